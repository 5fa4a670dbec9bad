"""Whether a changed float32 model still predicts the same."""

from typing import Any

import numpy as np
import onnx

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_scores

IMAGES = 64  # that both models are compared on
BATCH_SIZE = 8  # all at once, large images would take gigabytes
NEAR = 1e-4  # two scores this close may change places by rounding


def check_same_predictions(
    model: onnx.ModelProto,
    changed: onnx.ModelProto,
    images: np.ndarray,
    preprocessing: dict[str, Any],
) -> float:
    """Return the largest difference of a score on some of the images, uint8 (N, H, W, C).

    Raises UserError when a prediction differs by more than rounding, or the model as it was does
    not run.
    """
    few = images[:: max(1, len(images) // IMAGES)][:IMAGES]
    batches = Batches.of(few, changed, preprocessing, BATCH_SIZE)
    expected, found = (_scores(given, batches) for given in (model, changed))
    wrong = changed_predictions(expected, found)
    if wrong:
        raise UserError(
            f"model.source: the model in the form that onnxruntime can quantize predicts otherwise "
            f"on {wrong} of {len(expected)} images, which is a fault of this workflow; report it, "
            "or export the model another way"
        )
    return float(np.abs(expected - found).max())


def changed_predictions(expected: np.ndarray, found: np.ndarray) -> int:
    """Count the images whose prediction has changed, but not by rounding; scores (N, classes)."""
    same = expected.argmax(axis=1) == found.argmax(axis=1)
    first, second = np.sort(expected, axis=1)[:, :-3:-1].T
    return int(np.sum(~same & (first - second > NEAR)))


def _scores(model: onnx.ModelProto, batches: Batches) -> np.ndarray:
    try:
        session = make_session(model, threads=1)
        return np.concatenate([run_scores(session, batches.interface, one) for one in batches])
    except UserError:
        raise
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        raise UserError(
            f"model.source: onnxruntime cannot run the model ({first_line(error)}); export it again"
        ) from error
