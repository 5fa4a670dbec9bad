"""Run an ONNX classifier over images in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.mapped import drop_pages, pieces, scratch_array
from ptq_comparison.common.provider_names import CPU
from ptq_comparison.inference.model_inputs import Batch, ModelInputs
from ptq_comparison.inference.providers import check_loaded, provider_arguments
from ptq_comparison.inference.scores import class_scores
from ptq_comparison.model.interface_type import Interface, remedy_for_classes

if TYPE_CHECKING:  # portable modules import no onnx
    import onnx

NOT_FINITE = (
    "model.source: the scores of some images are not finite; check the weights and model.scale, "
    "model.mean, model.std"
)


def make_session(
    model: onnx.ModelProto | str,
    threads: int,
    optimize: bool = True,
    config_entries: Mapping[str, str] | None = None,
    provider: str = CPU,
) -> onnxruntime.InferenceSession:
    """Load a model, or the file of one, with `threads` threads inside an operator.

    `config_entries` are session options that onnxruntime knows by a text, and their values.
    `provider` is an execution provider by onnxruntime's name. Raises UserError where onnxruntime
    would leave it out.
    """
    options = onnxruntime.SessionOptions()
    # onnxruntime does not read OMP_NUM_THREADS, which Snakemake sets: it would take all cores.
    providers = provider_arguments(options, provider, threads)
    for name, value in (config_entries or {}).items():
        options.add_session_config_entry(name, value)
    if not optimize:
        # In the order of the nodes. By default, onnxruntime leaves those that take the extremes of
        # tensors to the end, and keeps all tensors until then: six times the memory.
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = model if isinstance(model, str) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, options, providers=providers)
    check_loaded(session, provider)
    return session


def run_batch(
    session: onnxruntime.InferenceSession, names: Sequence[str], batch: Batch
) -> list[np.ndarray]:
    """Return tensors for a batch, without the images that it is filled up with."""
    tensors = session.run(list(names), batch.inputs)
    # Tensors without a batch axis, constants for instance, are left whole.
    return [t[: batch.images] if t.ndim and len(t) == batch.size else t for t in tensors]


def run_scores(
    session: onnxruntime.InferenceSession, interface: Interface, batch: Batch
) -> np.ndarray:
    """Return the scores of a batch by class, float32 (images, classes), as `class_scores` has them.

    Everything that looks at what a classifier says gets it here.
    """
    output = session.run([interface.output], batch.inputs)[0]
    return class_scores(output, interface, batch.size)[: batch.images]


def predict_scores(
    session: onnxruntime.InferenceSession,
    batches: ModelInputs,
    classes: int,
    progress: Any,
    not_finite: str = NOT_FINITE,
) -> np.ndarray:
    """Return the scores of all images, float32 (N, classes).

    It is in a temporary file where it is large. `progress` is a tqdm bar over images. Raises
    UserError when the scores are of another number of classes, which not every model declares, or
    not finite, which `not_finite` tells then.
    """
    result = scratch_array((len(batches.images), classes), np.float32)
    done = 0
    for batch in batches:
        scores = run_scores(session, batches.interface, batch)
        if scores.shape[1] != classes:
            raise UserError(
                f"model.source gives scores of {scores.shape[1]} classes, the data set has "
                f"{classes}; {remedy_for_classes(scores.shape[1], classes)}"
            )
        if not np.isfinite(scores).all():
            raise UserError(not_finite)
        result[done : done + batch.images] = scores
        drop_pages(result)
        done += batch.images
        progress.update(batch.images)
    return result


def predicted_classes(scores: np.ndarray) -> np.ndarray:
    """Return the class with the highest score of each image, int64 (N,); of equal ones the first.

    Of scores in a file, a piece is in memory at once.
    """
    found = [piece.argmax(axis=1) for piece in pieces(scores)]
    return np.concatenate([np.empty(0, np.int64), *found])
