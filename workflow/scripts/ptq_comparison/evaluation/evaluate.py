"""One model on the test images: the content of `<model>_eval.json`."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json
from ptq_comparison.evaluation.fidelity import kl_divergence, sqnr_db
from ptq_comparison.evaluation.metrics import (
    accuracy,
    confusion_matrix,
    paired_comparison,
    per_class_accuracy,
    wilson_interval,
)


class Predictions(NamedTuple):
    """Predicted classes and labels, int64 (N,), and what they were made with."""

    predicted: np.ndarray
    labels: np.ndarray
    provenance: dict[str, Any]


def read_predictions(path: Path, provenance: Path) -> Predictions:
    """Read the output of rule predict."""
    with np.load(path) as arrays:
        return Predictions(arrays["predicted"], arrays["labels"], read_json(provenance))


def evaluate(
    model: dict[str, Any],
    dataset: dict[str, Any],
    predictions: Predictions,
    baseline: Predictions | None,
    calibration: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return the evaluation of a model: accuracies as fractions, differences in percentage points.

    `baseline` and `calibration` are None for the float32 model. No times are in it: two runs give
    equal evaluations. Raises UserError when the predictions are of another model or data set.
    """
    split = dataset["splits"]["test"]
    _check_provenance(predictions, split["sha256"], model["sha256"])
    if baseline:
        _check_provenance(baseline, split["sha256"])
    predicted, labels = predictions.predicted, predictions.labels
    baseline_predicted = baseline.predicted if baseline else None
    class_names = dataset["class_names"]
    return {
        "model": model,
        "dataset": {
            "name": dataset["name"],
            "description": dataset["description"],
            "split": "test",
            "images": split["images"],
            "sha256": split["sha256"],
        },
        "preprocessing": predictions.provenance["preprocessing"],
        "accuracy": accuracy(int(np.sum(predicted == labels)), len(labels)),
        "baseline": paired_comparison(predicted, baseline.predicted, labels) if baseline else None,
        "per_class": per_class_accuracy(predicted, baseline_predicted, labels, class_names),
        "confusion_matrix": confusion_matrix(predicted, labels, len(class_names)).tolist(),
        "calibration": calibration,
        "saturation": predictions.provenance["saturation"],
        "runtime": predictions.provenance["runtime"],
    }


def _check_provenance(
    predictions: Predictions, dataset_sha256: str, model_sha256: str | None = None
) -> None:
    provenance = predictions.provenance
    if provenance["dataset_sha256"] != dataset_sha256:
        raise UserError("results/predictions: made on another data set; delete them and run again")
    if model_sha256 not in (None, provenance["model_sha256"]):
        raise UserError("results/predictions: made by another model; delete them and run again")


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
