"""The evaluation of a model on the test images, and of a recipe on the validation images."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, TypeVar

import numpy as np

from ptq_comparison.common.descriptions import Executed, ModelDescription, Provenance
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json
from ptq_comparison.evaluation.fidelity import Fidelity, fidelity
from ptq_comparison.evaluation.metrics import (
    Accuracy,
    PairedComparison,
    accuracy,
    confusion_matrix,
    paired_comparison,
    per_class_accuracy,
)
from ptq_comparison.evaluation.probabilities import are_probabilities
from ptq_comparison.evaluation.results import Saturation, SaturationCheck
from ptq_comparison.evaluation.score_metrics import (
    ScoreMetrics,
    Ties,
    are_tied,
    score_metrics,
    summarize,
    ties,
)
from ptq_comparison.evaluation.stored_scores import StoredScores

Value = TypeVar("Value")


class Predictions(NamedTuple):
    """Predicted classes and labels, int64 (N,), and what they were made with.

    `scores` are blocks of float32 (rows, classes), in the order of the images.
    `exact` are the classes without saturation, int64 (N,), None where it was not checked.
    """

    predicted: np.ndarray
    labels: np.ndarray
    provenance: dict[str, Any]
    scores: Iterable[np.ndarray]
    exact: np.ndarray | None = None


class Evaluation(ScoreMetrics):
    """The content of `<model>_eval.json`; None is what float32, or a reference, does not have."""

    model: ModelDescription
    dataset: dict[str, Any]
    preprocessing: dict[str, Any]
    accuracy: Accuracy
    baseline: PairedComparison | None
    per_class: list[dict[str, Any]]
    confusion_matrix: list[list[int]]
    calibration: dict[str, Any] | None
    executed: Executed
    saturation: Saturation | None
    runtime: dict[str, Any]


class Validation(Accuracy, Fidelity):
    delta_pp: float
    delta_ci95_pp: list[float]
    fixed: int
    broken: int
    ties: Ties


class RecipeEvaluation(TypedDict):
    """The content of `sweep/<recipe>_eval.json`."""

    recipe: str
    model: ModelDescription
    validation: Validation
    validation_images: dict[str, str | None]
    provenance: Provenance
    runtime: dict[str, Any]


def read_predictions(path: Path, provenance_path: Path) -> Predictions:
    """Read the output of rule predict."""
    with np.load(path) as arrays:
        predicted, labels, exact = arrays["predicted"], arrays["labels"], arrays.get("exact")
    return Predictions(predicted, labels, read_json(provenance_path), StoredScores(path), exact)


def of_quantized(value: Value | None) -> Value:
    """Return a value that evaluations of quantized models have; ValueError for float32's None."""
    if value is None:
        raise ValueError("the evaluation of the float32 model has no such value")
    return value


def evaluate(
    model: ModelDescription,
    dataset: dict[str, Any],
    predictions: Predictions,
    baseline: Predictions | None,
    calibration: dict[str, Any] | None,
) -> Evaluation:
    """Return the evaluation of a model: accuracies as fractions, differences in percentage points.

    `baseline` and `calibration` are None for the float32 model, `calibration` also for a reference,
    which needs none. No times are in it: two runs give
    equal evaluations. Raises UserError when the predictions are of another model or data set.
    """
    split = dataset["splits"]["test"]
    _check_provenance(predictions, split["sha256"], model["sha256"])
    if baseline:
        _check_provenance(baseline, split["sha256"])
    predicted, labels = predictions.predicted, predictions.labels
    fp32 = baseline.predicted if baseline else None
    class_names = dataset["class_names"]
    reference = predictions if baseline is None else baseline
    of_probabilities = all(are_probabilities(block) for block in reference.scores)
    own, other = (
        summarize(given.scores, labels, np.unique(labels), of_probabilities)
        for given in (predictions, reference)
    )
    return {
        "model": model,
        "dataset": {
            "name": dataset["name"],
            "description": dataset["description"],
            "split": "test",
            "images": split["images"],
            "sha256": split["sha256"],
            "geometry": dataset["geometry"],
        },
        "preprocessing": predictions.provenance["preprocessing"],
        "accuracy": accuracy(int(np.sum(predicted == labels)), len(labels)),
        "baseline": None if fp32 is None else paired_comparison(predicted, fp32, labels),
        **score_metrics(own, other if baseline else None, labels, class_names),
        "per_class": per_class_accuracy(predicted, fp32, labels, class_names),
        "confusion_matrix": confusion_matrix(predicted, labels, len(class_names)).tolist(),
        "calibration": calibration,
        "executed": predictions.provenance["executed"],
        "saturation": _saturation(predictions),
        "runtime": predictions.provenance["runtime"],
    }


def _saturation(predictions: Predictions) -> Saturation | None:
    """Return what saturation changes; None for float32 and float16."""
    check: SaturationCheck | None = predictions.provenance["saturation"]
    if check is None:
        return None
    predicted, labels, exact = predictions.predicted, predictions.labels, predictions.exact
    if exact is None:
        nothing = None if check["refused"] else 0.0
        return {**check, "changed": nothing, "delta_pp": nothing}
    difference = int(np.sum(predicted == labels)) - int(np.sum(exact == labels))
    return {
        **check,
        "changed": float(np.mean(predicted != exact)),
        "delta_pp": 100 * difference / len(labels),
    }


def _check_provenance(
    predictions: Predictions, dataset_sha256: str, model_sha256: str | None = None
) -> None:
    provenance = predictions.provenance
    if provenance["dataset_sha256"] != dataset_sha256:
        raise UserError("results/predictions: made on another data set; delete them and run again")
    if model_sha256 not in (None, provenance["model_sha256"]):
        raise UserError("results/predictions: made by another model; delete them and run again")


def evaluate_recipe(scores: np.ndarray, fp32_scores: np.ndarray, labels: np.ndarray) -> Validation:
    """Return accuracy and fidelity; scores are float32 (N, classes), `labels` int64 (N,).

    Accuracy and agreement are fractions with 95 % Wilson intervals, the difference to float32 is in
    percentage points with Tango's, the divergence in nats, and SQNR at the output in dB.
    """
    predicted = scores.argmax(axis=1)
    paired = paired_comparison(predicted, fp32_scores.argmax(axis=1), labels)
    return {
        **accuracy(int(np.sum(predicted == labels)), len(labels)),
        "delta_pp": paired["delta_pp"],
        "delta_ci95_pp": paired["delta_ci95_pp"],
        "fixed": paired["fixed"],
        "broken": paired["broken"],
        **fidelity(fp32_scores, scores),
        "ties": ties(are_tied(scores)),
    }
