"""Preprocessing that does clearly better is named, and none where nothing is wrong."""

import numpy as np
import pytest
from helpers import make_classifier, make_images, make_pixel_classifier
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, predict_scores
from ptq_comparison.preparation.suspicious_input import candidates, find_suspicious
from tqdm import tqdm

RAW = {"layout": "auto", "scale": 1.0, "mean": 0.0, "std": 1.0, "channels": "RGB"}
NAMES = ["red", "green", "blue"]
IMAGES, LABELS = make_images(90, seed=1)


BY_PIXELS = {image.tobytes(): int(label) for image, label in zip(IMAGES, LABELS, strict=True)}


def find(trained, given, labels=LABELS):
    """Give a model that was `trained` with a preprocessing another one; it needs its own values."""
    tried = []

    def predict(few, preprocessing):
        tried.append(preprocessing)
        got, wanted = (
            next(iter(Batches.of(few, make_classifier(), values, 90))).inputs["image"]
            for values in (preprocessing, trained)
        )
        same = np.allclose(got, wanted, atol=1e-3)
        return np.array([BY_PIXELS[image.tobytes()] if same else 0 for image in few])

    return find_suspicious(IMAGES, labels, predict(IMAGES, given), NAMES, given, predict), tried


KERAS = {**RAW, "scale": 1 / 127.5, "mean": 1.0}
UNIT = {**RAW, "scale": 1 / 255}
TORCH = {
    **RAW, "scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
}  # fmt: skip


@pytest.mark.parametrize(
    ("trained", "given", "expected"),
    [
        (KERAS, RAW, "keras-tf gives 100% of 90 calibration images right, yours 33%; set "
         "model.preset: keras-tf, and model.scale, mean and std to null"),
        (RAW, KERAS, "raw gives 100%"),
        (UNIT, RAW, "pixels from 0 to 1 gives 100% of 90 calibration images right, yours 33%; set "
         "model.scale: 0.00392157, mean: 0, std: 1"),
        (TORCH, UNIT, "torchvision gives 100%"),
        ({**KERAS, "channels": "BGR"}, KERAS, "the order BGR of channels gives 100% of 90 "
         "calibration images right, yours 33%; set dataset.channels: BGR"),
    ],
)  # fmt: skip
def test_what_the_model_was_trained_with_is_named(trained, given, expected):
    found, _ = find(trained, given)
    assert f"the preprocessing looks wrong: {expected}" in found


def test_nothing_is_tried_where_nearly_all_is_right():
    found, tried = find(KERAS, KERAS)
    assert found is None and len(tried) == 1


def test_a_poor_model_is_not_suspected():
    """Predictions that hang on nothing are not better with another preprocessing."""
    for seed in range(40):
        generator = np.random.default_rng(seed)

        def predict(few, preprocessing, generator=generator):
            return generator.integers(3, size=len(few))

        given = predict(IMAGES, RAW)
        assert find_suspicious(IMAGES, LABELS, given, NAMES, RAW, predict) is None


def test_images_without_labels_are_left_out():
    labels = LABELS.copy()
    labels[::2] = -1
    found, _ = find(KERAS, RAW, labels=labels)
    assert "keras-tf gives 100% of 45 calibration images right" in found


def test_a_real_model_with_exchanged_channels_has_two_explanations():
    """Red is taken for blue: the classes may be swapped, or the channels."""
    model = make_classifier()
    session = make_session(model, 1)

    def predict(few, preprocessing):
        batches = Batches.of(few, model, preprocessing, 8)
        return predict_scores(session, batches, 3, tqdm(disable=True)).argmax(axis=1)

    given = {**RAW, "channels": "BGR"}
    found = find_suspicious(IMAGES, LABELS, predict(IMAGES, given), NAMES, given, predict)
    assert found.startswith("'red' and 'blue' look swapped (")
    assert "; or the preprocessing looks wrong: the order RGB of channels gives" in found


def test_what_a_model_scales_itself_has_no_other_scale():
    """Only the order of channels can be tried on stored pixels."""
    model, tried = make_pixel_classifier("NHWC"), []
    session = make_session(model, 1)

    def predict(few, preprocessing):
        batches = Batches.of(few, model, preprocessing, 8)
        tried.append(preprocessing)
        return predict_scores(session, batches, 3, tqdm(disable=True)).argmax(axis=1)

    wrong = (LABELS + 1) % 3
    find_suspicious(IMAGES, wrong, predict(IMAGES, RAW), NAMES, RAW, predict)
    assert [values["channels"] for values in tried] == ["RGB", "BGR"]


def test_grey_images_have_no_channels_to_exchange():
    tried = candidates(RAW, 1)
    assert [candidate.name for candidate in tried] == ["keras-tf", "pixels from 0 to 1"]
    names = [candidate.name for candidate in candidates(RAW, 3)]
    assert names == [
        "torchvision", "keras-tf", "keras-caffe", "pixels from 0 to 1", "the order BGR of channels",
    ]  # fmt: skip
