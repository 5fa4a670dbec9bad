"""Run an ONNX classifier over images in batches."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.mapped import drop_pages, pieces, scratch_array
from ptq_comparison.inference.batches import Batch, Batches


def make_session(
    model: onnx.ModelProto,
    threads: int,
    optimize: bool = True,
    config_entries: Mapping[str, str] | None = None,
) -> onnxruntime.InferenceSession:
    """Load a model on the CPU with `threads` threads inside an operator.

    `config_entries` are session options that onnxruntime knows by a text, and their values.
    """
    options = onnxruntime.SessionOptions()
    # onnxruntime does not read OMP_NUM_THREADS, which Snakemake sets: it would take all cores.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    for name, value in (config_entries or {}).items():
        options.add_session_config_entry(name, value)
    if not optimize:
        # In the order of the nodes. By default, onnxruntime leaves those that take the extremes of
        # tensors to the end, and keeps all tensors until then: six times the memory.
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def run_batch(
    session: onnxruntime.InferenceSession, names: Sequence[str], batch: Batch
) -> list[np.ndarray]:
    """Return tensors for a batch, without the images that it is filled up with."""
    tensors = session.run(list(names), batch.inputs)
    # Tensors without a batch axis, constants for instance, are left whole.
    return [t[: batch.images] if t.ndim and len(t) == batch.size else t for t in tensors]


def predict_scores(
    session: onnxruntime.InferenceSession, batches: Batches, classes: int, progress: Any
) -> np.ndarray:
    """Return the output of the model for all images, float32 (N, classes).

    It is in a temporary file where it is large. `progress` is a tqdm bar over images. Raises
    UserError when the scores are of another number of classes, which not every model declares, or
    not finite.
    """
    result = scratch_array((len(batches.images), classes), np.float32)
    done = 0
    for batch in batches:
        scores = session.run([batches.interface.output], batch.inputs)[0][: batch.images]
        if scores.shape[1:] != (classes,):
            raise UserError(
                f"model.source gives scores of shape {scores.shape[1:]} for an image, the data set "
                f"has {classes} classes; use the data set that the model was trained for"
            )
        if not np.isfinite(scores).all():
            raise UserError(
                "model.source: the scores of some images are not finite; "
                "check the weights and model.scale, model.mean, model.std"
            )
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
