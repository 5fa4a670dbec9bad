"""One recipe on the validation images, against float32."""

from typing import Any

import numpy as np

from ptq_comparison.fidelity import kl_divergence, sqnr_db
from ptq_comparison.metrics import accuracy, paired_comparison, wilson_interval


def evaluate_recipe(
    scores: np.ndarray, fp32_scores: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
    """Return accuracy and fidelity; scores are float32 (N, classes), `labels` int64 (N,).

    Accuracy and agreement are fractions with 95 % Wilson intervals, the difference to float32 is in
    percentage points with Tango's, the divergence in nats, and SQNR at the output in dB.
    """
    predicted, fp32 = scores.argmax(axis=1), fp32_scores.argmax(axis=1)
    paired = paired_comparison(predicted, fp32, labels)
    agreeing = int(np.sum(predicted == fp32))
    return {
        **accuracy(int(np.sum(predicted == labels)), len(labels)),
        **{key: paired[key] for key in ("delta_pp", "delta_ci95_pp", "fixed", "broken")},
        "agreement": paired["agreement"],
        "agreement_ci95": list(wilson_interval(agreeing, len(labels))),
        "kl_divergence": kl_divergence(fp32_scores, scores),
        "sqnr_db": sqnr_db(fp32_scores, scores),
    }
