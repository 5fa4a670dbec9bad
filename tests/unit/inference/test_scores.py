"""Scores by class, from outputs of all forms."""

import numpy as np
import pytest
from helpers import RAW, make_images, make_network
from onnx import TensorProto, helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.scores import class_scores
from ptq_comparison.inference.session import make_session, predict_scores
from ptq_comparison.model.interface_type import Interface
from tqdm import tqdm

GENERATOR = np.random.default_rng(5)
IMAGES, _ = make_images(23, seed=3)


def interface(probability=False):
    return Interface("image", "scores", "NCHW", None, (8, 8, 3), 2, probability=probability)


@pytest.mark.parametrize(
    "shape", [(6, 4), (6, 4, 1, 1), (6, 1, 1, 4), (1, 4), (4,), (4, 1, 1), (1, 1, 1, 4)]
)
def test_axes_of_size_one_are_dropped(shape):
    output = GENERATOR.normal(size=shape).astype(np.float32)
    scores = class_scores(output, interface(), 6 if shape[0] == 6 else 1)
    assert scores.shape[1] == 4 and np.array_equal(scores.ravel(), output.ravel())


@pytest.mark.parametrize(
    ("shape", "images"), [((6, 2, 2), 6), ((1, 24), 6), ((12, 4), 6), ((2, 2), 1), ((), 6)]
)
def test_an_output_of_another_form_is_refused(shape, images):
    with pytest.raises(UserError, match=r"an output of shape .* for \d images"):
        class_scores(np.zeros(shape, np.float32), interface(), images)


@pytest.mark.parametrize("shape", [(5, 1), (5,), (5, 1, 1, 1)])
def test_one_probability_becomes_two(shape):
    p = np.float32([0, 0.25, 0.5, np.nextafter(np.float32(0.5), np.float32(1)), 1])
    scores = class_scores(p.reshape(shape), interface(probability=True), 5)
    assert scores.dtype == np.float32 and np.array_equal(scores[:, 1], p)
    assert np.array_equal(scores[:, 0], 1 - p)
    assert scores.argmax(axis=1).tolist() == [0, 0, 0, 1, 1]  # a half is the first class


def test_one_logit_passes_the_sigmoid():
    logits = np.float32([-200, -2, 0, 2, 200])
    scores = class_scores(logits, interface(), 5)
    assert np.allclose(scores[:, 1], [0, 0.119203, 0.5, 0.880797, 1], atol=1e-6)
    assert np.allclose(scores.sum(axis=1), 1)


def test_what_is_not_finite_stays_so():
    for probability in (False, True):
        output = np.float32([np.inf, -np.inf, np.nan])
        scores = class_scores(output, interface(probability), 3)
        assert not np.isfinite(scores).any(axis=1).any()


WEIGHTS = GENERATOR.normal(size=(1, 3, 8, 8)) / 500


def one_score(*end, shape=("batch", "classes")):
    """Return a network with one score an image, and operators behind it."""
    model = make_network([("Conv", {}, {"w": WEIGHTS}), *((op, {}, {}) for op in end)])
    output = model.graph.output[0]
    output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, shape))
    return model


def predict(model, batch_size=4):
    batches = Batches.of(IMAGES, model, {**RAW, "layout": "NCHW"}, batch_size)
    return predict_scores(make_session(model, 1), batches, 2, tqdm(disable=True))


@pytest.mark.parametrize(
    "model",
    [
        one_score("Flatten"),
        one_score("Sigmoid", "Flatten"),
        one_score("Sigmoid", shape=("batch", 1, 1, 1)),
        one_score(shape=("batch", 1, 1, 1)),
        one_score("Sigmoid", "Squeeze", shape=("batch",)),
        one_score("Squeeze", shape=("batch",)),
    ],
)
def test_a_probability_and_its_logit_give_the_same_scores(model):
    with_batches_of = [predict(model, size) for size in (4, 1, 11)]  # 23: a last batch of one
    logits = (IMAGES.transpose(0, 3, 1, 2) * WEIGHTS).sum(axis=(1, 2, 3))
    second = 1 / (1 + np.exp(-logits))
    assert second.std() > 0.1
    for scores in with_batches_of:
        assert np.allclose(scores, np.transpose([1 - second, second]), atol=1e-5)
