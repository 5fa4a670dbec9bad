"""Predictions without saturation, where CPU kernels can saturate, see `inference.saturating`."""

from typing import Any

import numpy as np
import onnx

from ptq_comparison.evaluation.results import SaturationCheck
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.exact_kernels import make_exact_session
from ptq_comparison.inference.saturating import kernels_saturate, saturating_operators
from ptq_comparison.inference.session import predict_scores, predicted_classes

FITTING_WEIGHTS = "no sum of two products of its operators can go beyond 16 bits on any CPU"
EXACT_KERNELS = "the kernels that onnxruntime chooses on this CPU add in 32 bits"


def predict_exactly(
    model: onnx.ModelProto, batches: Batches, classes: int, threads: int, progress: Any
) -> tuple[SaturationCheck, np.ndarray | None]:
    """Predict without saturation, unless the model or the CPU cannot saturate anyway.

    Returns what was done, and the predicted classes, int64 (N,): None where there is nothing to
    check, or where onnxruntime has no such kernels.
    """
    operators = saturating_operators(model)

    def not_checked(cannot: str | None, refused: str | None = None) -> tuple[SaturationCheck, None]:
        return SaturationCheck(
            checked=False, cannot=cannot, refused=refused, saturating_operators=operators
        ), None

    if not operators:
        return not_checked(FITTING_WEIGHTS)
    if not kernels_saturate():
        return not_checked(EXACT_KERNELS)
    try:
        session = make_exact_session(model, threads)
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        # Its first sentence names node and operator; a page on types and kernels follows.
        return not_checked(None, " ".join(str(error).split()).split(". ")[0])
    scores = predict_scores(session, batches, classes, progress)
    check = SaturationCheck(checked=True, cannot=None, refused=None, saturating_operators=operators)
    return check, predicted_classes(scores)
