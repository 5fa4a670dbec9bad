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
    "geometry": None,
}


def test_evaluation_of_fp32_has_no_baseline():
    result = evaluate({"sha256": "m"}, DATASET, make_predictions(), None, None)
    assert result["baseline"] is None and result["calibration"] is None
    assert result["accuracy"]["correct"] == 1
    assert [row["delta_pp"] for row in result["per_class"]] == [None, None]


def test_predictions_of_another_model_or_data_set_are_refused():
    with pytest.raises(UserError, match="another data set"):
        evaluate({"sha256": "m"}, DATASET, make_predictions(dataset_sha256="x"), None, None)
    with pytest.raises(UserError, match="another model"):
        evaluate({"sha256": "m"}, DATASET, make_predictions(model_sha256="x"), None, None)
    stale = make_predictions(dataset_sha256="x")
    with pytest.raises(UserError, match="another data set"):
        evaluate({"sha256": "m"}, DATASET, make_predictions(), stale, None)
