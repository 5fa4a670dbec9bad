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
        "saturation": None,
    }
    return Predictions(np.array([0, 1]), np.array([0, 0]), provenance)


DATASET = {
    "name": "npz",
    "description": "",
    "class_names": ["cat", "dog"],
    "splits": {"test": {"images": 2, "sha256": "d"}},
}


def test_evaluation_of_fp32_has_no_baseline():
    result = evaluate({"sha256": "m"}, DATASET, make_predictions(), None, None)
    assert result["baseline"] is None and result["calibration"] is None
    assert result["accuracy"]["correct"] == 1
    assert [row["delta_pp"] for row in result["per_class"]] == [None, None]


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
