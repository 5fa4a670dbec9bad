"""The check of a conversion. What Keras gives is given by onnxruntime: no TensorFlow is needed."""

import numpy as np
import pytest
from helpers import make_classifier, make_images
from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.session import make_session
from ptq_comparison.preparation.conversion_check import _outputs, _scores, compare

PREPROCESSING = {"layout": "auto", "scale": 1.0, "mean": 0.0, "std": 1.0}


class Keras:
    """Answers as the model does, plus an error; counts the images."""

    def __init__(self, model, error=0.0):
        self.session, self.error, self.batches = make_session(model, threads=1), error, []

    def __call__(self, batch, training):
        assert training is False
        self.batches.append(len(batch))
        (scores,) = self.session.run(None, {self.session.get_inputs()[0].name: batch})
        return scores + self.error * np.arange(scores.shape[1])


def test_equal_models_pass_on_a_thousand_small_images():
    model = make_classifier()
    images, _ = make_images(1100, seed=1)
    keras = Keras(model)
    result = compare(keras, model, model, images, PREPROCESSING)
    assert result["images"] == sum(keras.batches) == 1000 and max(keras.batches) == 20
    assert result["same_top1"] == 1.0 and result["largest_difference"] == 0.0


def test_other_scores_are_an_error():
    model = make_classifier()
    images, _ = make_images(30, seed=1)
    with pytest.raises(UserError, match=r"differs from that of Keras on .* of 30 images"):
        compare(Keras(model, error=100.0), model, model, images, PREPROCESSING)


def test_large_images_are_fewer_and_come_one_by_one():
    model = make_classifier(side=320)
    images = np.random.default_rng(0).integers(0, 256, (70, 320, 320, 3), dtype=np.uint8)
    keras = Keras(model)
    assert compare(keras, model, model, images, PREPROCESSING)["images"] == 64
    assert max(keras.batches) == 1


def test_outputs_of_keras_come_in_the_order_of_the_model():
    first, second = np.zeros((2, 1)), np.ones((2, 3))
    for result in (
        [first, second],
        (first, second),
        {"b": second, "a": first},  # named as the outputs are
    ):
        assert [output.shape for output in _outputs(result, ["a", "b"])] == [(2, 1), (2, 3)]
    # Keras sorts them, and names the outputs after layers.
    found = _outputs({"b": second, "a": first}, ["dense_1", "dense"])
    assert [output.shape for output in found] == [(2, 1), (2, 3)]
    assert len(_outputs(first, ["a"])) == 1


def test_a_single_sigmoid_is_two_scores():
    assert _scores(np.array([[0.25], [1.0]])).tolist() == [[0.75, 0.25], [0.0, 1.0]]
    assert _scores(np.zeros((2, 1, 1, 5))).shape == (2, 5)
