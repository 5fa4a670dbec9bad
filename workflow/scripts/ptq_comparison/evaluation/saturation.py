"""How many predictions change because CPU kernels saturate, see `exact_kernels`."""

from typing import Any

import numpy as np
import onnx

from ptq_comparison.evaluation.results import Saturation
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.exact_kernels import make_exact_session
from ptq_comparison.inference.session import predict_scores, predicted_classes


def check_saturation(
    model: onnx.ModelProto,
    batches: Batches,
    predicted: np.ndarray,
    labels: np.ndarray,
    classes: int,
    threads: int,
    progress: Any,
) -> Saturation:
    """Predict again without saturation, and compare with `predicted`; both are int64 (N,).

    Returns `checked`; `refused`, onnxruntime's reason where it has no such kernels, else None;
    `changed`, the share of predictions that saturation changes; and `delta_pp`, the accuracy as
    predicted minus the one without saturation, in percentage points. The last two are None where
    the check was refused.
    """
    try:
        session = make_exact_session(model, threads)
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        # Its first sentence names node and operator; a page on types and kernels follows.
        reason = " ".join(str(error).split()).split(". ")[0]
        return {"checked": False, "refused": reason, "changed": None, "delta_pp": None}
    exact = predicted_classes(predict_scores(session, batches, classes, progress))
    difference = int(np.sum(predicted == labels)) - int(np.sum(exact == labels))
    return {
        "checked": True,
        "refused": None,
        "changed": float(np.mean(predicted != exact)),
        "delta_pp": 100 * difference / len(labels),
    }
