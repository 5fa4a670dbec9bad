"""Whether a changed model predicts the same."""

import numpy as np
import onnx
import pytest
from helpers import RAW, make_classifier, make_images, make_network
from onnx import numpy_helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.preparation.same_predictions import changed_predictions, check_same_predictions

IMAGES, _ = make_images(90, seed=6)


def scaled(factor):
    model = make_classifier()
    weights = numpy_helper.to_array(model.graph.initializer[0])
    changed = (weights * factor).astype(np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(changed, "w"))
    return model


def test_the_largest_difference_is_told():
    model = make_classifier()
    assert check_same_predictions(model, model, IMAGES, RAW) == 0
    assert 0 < check_same_predictions(model, scaled(1.0001), IMAGES, RAW) < 1e-3


def test_another_prediction_is_a_fault_of_the_workflow():
    with pytest.raises(UserError, match=r"predicts otherwise on \d+ of 64 images") as error:
        check_same_predictions(make_classifier(), scaled(-1), IMAGES, RAW)
    assert "report it" in str(error.value)


def test_one_score_that_falls_to_the_other_class_is_another_prediction():
    """Of one column, the highest score is always the first."""

    def one_score(factor):
        weights = np.full((1, 3, 8, 8), factor * 1e-4)
        return make_network([("Conv", {}, {"w": weights}), ("Flatten", {}, {})])

    preprocessing = {**RAW, "layout": "NCHW"}
    assert check_same_predictions(one_score(1), one_score(1.01), IMAGES, preprocessing) < 0.01
    with pytest.raises(UserError, match=r"predicts otherwise on 64 of 64 images"):
        check_same_predictions(one_score(1), one_score(-1), IMAGES, preprocessing)


def test_a_model_that_does_not_run_is_one_line():
    model = onnx.ModelProto()
    model.CopyFrom(make_classifier())
    model.graph.node[1].input[0] = "image"  # of another layout
    with pytest.raises(UserError, match=r"^model\.source: onnxruntime cannot run") as error:
        check_same_predictions(model, make_classifier(), IMAGES, RAW)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("found", "changed"),
    [([0.2, 0.5, 0.3], 0), ([0.5, 0.2, 0.3], 1), ([np.nan, 0.2, 0.1], 1)],
)
def test_only_scores_that_differ_count(found, changed):
    assert changed_predictions(np.array([[0.2, 0.5, 0.3]]), np.array([found])) == changed


def test_two_scores_that_are_equal_but_for_rounding_may_change_places():
    scores = np.array([[0.5, 0.5 + 5e-5, 0.1]])
    assert changed_predictions(scores, scores[:, [1, 0, 2]]) == 0
    scores = np.array([[0.5, 0.5 + 5e-4, 0.1]])
    assert changed_predictions(scores, scores[:, [1, 0, 2]]) == 1
