"""The evaluation of a model, and predictions that do not belong to it."""

import numpy as np
import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation.evaluate import Predictions, evaluate


def make_predictions(dataset_sha256: str = "d", model_sha256: str = "m") -> Predictions:
    provenance = {
        "dataset_sha256": dataset_sha256,
        "model_sha256": model_sha256,
        "preprocessing": {},
        "runtime": {},
        "executed": {"nodes": 9, "integer_nodes": 0, "conversions": 0, "layers": {}},
        "saturation": None,
    }
    scores = np.float32([[0.75, 0.25], [0.5, 0.5]])
    return Predictions(np.array([0, 1]), np.array([0, 0]), provenance, [scores[:1], scores[1:]])


DATASET = {
    "name": "npz",
    "description": "",
    "class_names": ["cat", "dog"],
    "splits": {"test": {"images": 2, "sha256": "d"}},
    "geometry": None,
}


def test_evaluation_of_fp32_has_no_baseline():
    result = evaluate({"sha256": "m"}, DATASET, make_predictions(), None, None)
    assert result["baseline"] is None and result["calibration"] is None
    assert result["accuracy"]["correct"] == 1
    assert [row["delta_pp"] for row in result["per_class"]] == [None]
    assert result["calibration_error"]["delta_pp"] is None


def test_scores_are_compared_with_those_of_float32():
    """Whose being probabilities holds for the other model, too."""
    rounded = make_predictions()._replace(scores=[np.float32([[0.5, 0.0], [0.5, 0.5]])])
    result = evaluate({"sha256": "m"}, DATASET, rounded, make_predictions(), None)
    # Both right: confidences of 1 and 1/2 against 3/4 and 1/2.
    assert result["calibration_error"] == {"ece": 0.25, "delta_pp": -12.5}
    assert result["top5"] is None and result["present_classes"] is None
    assert result["two_classes"]["positive"] == "dog"


CHECK = {"checked": False, "cannot": None, "refused": None, "saturating_operators": ["Conv 'c'"]}


@pytest.mark.parametrize(
    ("check", "exact", "changed", "delta_pp"),
    [
        ({"checked": True}, [0, 1], 0.0, 0.0),
        ({"checked": True}, [0, 0], 0.5, -50.0),  # one right as predicted, two without saturation
        ({"cannot": "another CPU"}, None, 0.0, 0.0),
        ({"refused": "no kernel"}, None, None, None),
    ],
)
def test_saturation_is_what_changes_the_predictions(check, exact, changed, delta_pp):
    given = make_predictions()
    given.provenance["saturation"] = {**CHECK, **check}
    predictions = given._replace(exact=None if exact is None else np.array(exact))
    found = evaluate({"sha256": "m"}, DATASET, predictions, None, None)["saturation"]
    assert found == {**CHECK, **check, "changed": changed, "delta_pp": delta_pp}


def test_predictions_of_another_model_or_data_set_are_refused():
    with pytest.raises(UserError, match="another data set"):
        evaluate({"sha256": "m"}, DATASET, make_predictions(dataset_sha256="x"), None, None)
    with pytest.raises(UserError, match="another model"):
        evaluate({"sha256": "m"}, DATASET, make_predictions(model_sha256="x"), None, None)
    stale = make_predictions(dataset_sha256="x")
    with pytest.raises(UserError, match="another data set"):
        evaluate({"sha256": "m"}, DATASET, make_predictions(), stale, None)
