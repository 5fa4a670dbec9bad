"""Batches and scores."""

import numpy as np
import pytest
from helpers import RAW, make_classifier, make_images, make_nan_classifier, make_pixel_classifier
from ptq_comparison.common.errors import UserError
from ptq_comparison.inference import model_inputs
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.model_inputs import Chosen
from ptq_comparison.inference.session import make_session, predict_scores, predicted_classes
from tqdm import tqdm

IMAGES, LABELS = make_images(53, seed=3)


def predict(model, preprocessing=RAW, batch_size=10, threads=1, classes=3):
    batches = Batches.of(IMAGES, model, preprocessing, batch_size)
    return predict_scores(make_session(model, threads), batches, classes, tqdm(disable=True))


def test_scores_do_not_depend_on_batches_layout_or_a_fixed_batch():
    expected = predict(make_classifier())
    assert expected.shape == (53, 3) and expected.dtype == np.float32
    assert np.allclose(expected.sum(axis=1), 1, atol=1e-6)
    for model in (
        make_classifier("NCHW"),
        make_classifier(batch=1),
        make_classifier("NCHW", batch=7),  # 53 = 7 * 7 + 4: the last batch is filled up
    ):
        assert np.allclose(predict(model), expected, atol=1e-6)
    assert np.array_equal(predict(make_classifier(), batch_size=53), expected)


@pytest.mark.parametrize("piece", [1, 7, 20, 1000])
def test_batches_are_the_same_from_pieces_of_any_size(monkeypatch, piece):
    monkeypatch.setattr(model_inputs, "PIECE", piece)
    for model, sizes in ((make_classifier(), [10] * 5 + [3]), (make_classifier(batch=7), [7] * 8)):
        batches = list(Batches.of(IMAGES, model, RAW, 10))
        assert [batch.size for batch in batches] == sizes
        assert sum(batch.images for batch in batches) == 53
        inputs = np.concatenate([batch.inputs["image"][: batch.images] for batch in batches])
        assert np.array_equal(inputs, IMAGES.astype(np.float32))


def test_chosen_images_are_read_from_the_disk_as_they_are_sliced(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    indices = np.array([3, 4, 40, 52])
    images = Chosen(np.load(tmp_path / "images.npy", mmap_mode="r"), indices)
    assert (len(images), images.shape) == (4, (4, *IMAGES.shape[1:]))
    session = make_session(make_classifier(), 1)
    scores = predict_scores(
        session, Batches.of(images, make_classifier(), RAW, 3), 3, tqdm(disable=True)
    )
    assert np.array_equal(scores, predict(make_classifier())[indices])


def test_a_model_gets_stored_pixels():
    expected = predict(make_pixel_classifier())
    assert (expected.argmax(axis=1) == LABELS).mean() > 0.9
    for model in (make_pixel_classifier("NHWC"), make_pixel_classifier(batch=7)):
        assert np.allclose(predict(model), expected, atol=1e-5)
    with pytest.raises(UserError, match=r"takes uint8 pixels"):
        predict(make_pixel_classifier(), {**RAW, "scale": 1 / 255})


def test_the_classifier_is_better_than_chance():
    assert (predict(make_classifier()).argmax(axis=1) == LABELS).mean() > 0.6


def test_the_predicted_class_is_the_first_of_equal_ones():
    scores = np.array([[0, 1, 1], [2, 0, 1], [0, 0, 0]], np.float32)
    assert predicted_classes(scores).tolist() == [1, 0, 0]
    many = np.random.default_rng(0).random((50_000, 100), np.float32)  # several pieces
    found = predicted_classes(many)
    assert found.dtype == np.int64 and np.array_equal(found, many.argmax(axis=1))


def test_threads_follow_the_rule():
    options = make_session(make_classifier(), 3).get_session_options()
    assert options.intra_op_num_threads == 3 and options.inter_op_num_threads == 1


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(UserError, match="not finite"):
        predict(make_nan_classifier())
    model = make_nan_classifier()
    batches = Batches.of(IMAGES, model, RAW, 10)
    with pytest.raises(UserError, match=r"^told$"):
        predict_scores(make_session(model, 1), batches, 3, tqdm(disable=True), not_finite="told")


def test_another_number_of_classes_is_refused():
    with pytest.raises(UserError, match=r"scores of 3 classes, the data set has 4; use the data"):
        predict(make_classifier(), classes=4)
