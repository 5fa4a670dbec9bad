"""Run an ONNX classifier over images in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime

from ptq_comparison.errors import UserError
from ptq_comparison.models import Interface, read_interface
from ptq_comparison.preprocessing import Preprocessing


def make_session(
    model: onnx.ModelProto, threads: int, optimize: bool = True
) -> onnxruntime.InferenceSession:
    """Load a model on the CPU with `threads` threads inside an operator."""
    options = onnxruntime.SessionOptions()
    # onnxruntime does not read OMP_NUM_THREADS, which Snakemake sets: it would take all cores.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


@dataclass(frozen=True)
class Batches:
    """Model inputs made from images, uint8 (N, H, W, C), possibly memory-mapped, a batch at a time.

    A model with a fixed batch size gets exactly that size: the last batch is filled up with
    repetitions of its last image.
    """

    images: np.ndarray
    interface: Interface
    preprocessing: Preprocessing
    batch_size: int

    @classmethod
    def of(
        cls,
        images: np.ndarray,
        model: onnx.ModelProto,
        preprocessing: dict[str, Any],
        batch_size: int,
    ) -> "Batches":
        """Make the batches for a model from the config's `layout`, `scale`, `mean` and `std`."""
        interface = read_interface(model, preprocessing["layout"])
        fitted = Preprocessing(**{**preprocessing, "layout": interface.layout})
        return cls(images, interface, fitted, batch_size)

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        size = self.interface.batch or self.batch_size
        for start in range(0, len(self.images), size):
            batch = self.preprocessing(self.images[start : start + size])
            if self.interface.batch and len(batch) < size:
                batch = np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])
            yield {self.interface.input: batch}


def predict_scores(
    session: onnxruntime.InferenceSession, batches: Batches, classes: int, progress: Any
) -> np.ndarray:
    """Return the output of the model for all images, float32 (N, classes).

    `progress` is a tqdm bar over images. Raises UserError when the scores are of another number of
    classes, which not every model declares, or not finite.
    """
    total = len(batches.images)
    scores: list[np.ndarray] = []
    done = 0
    for inputs in batches:
        output = session.run([batches.interface.output], inputs)[0]
        output = output[: total - done]  # without the filling of a fixed batch
        scores.append(output)
        done += len(output)
        progress.update(len(output))
    result = np.concatenate(scores).astype(np.float32, copy=False)
    if result.shape[1:] != (classes,):
        raise UserError(
            f"model.source gives scores of shape {result.shape[1:]} for an image, the data set has "
            f"{classes} classes; use the data set that the model was trained for"
        )
    if not np.isfinite(result).all():
        raise UserError(
            "model.source: the scores of some images are not finite; "
            "check the weights and model.scale, model.mean, model.std"
        )
    return result
