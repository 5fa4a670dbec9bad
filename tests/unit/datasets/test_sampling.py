"""Rule sample_calibration: which images, and how they are written down."""

import numpy as np
import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import Split
from ptq_comparison.datasets.sampling import (
    describe_samples,
    read_samples,
    spread,
    stratified_indices,
    write_samples,
)

LABELS = np.random.default_rng(7).integers(0, 3, 500)
NAMES = ("cat", "dog", "frog")


def test_every_class_has_its_share_without_repetition():
    indices = stratified_indices(LABELS, NAMES, 50, seed=42)
    assert np.bincount(LABELS[indices]).tolist() == [50, 50, 50]
    assert len(set(indices.tolist())) == 150
    assert indices.dtype == np.int64 and (np.diff(indices) > 0).all()


def test_the_seed_decides():
    first = stratified_indices(LABELS, NAMES, 50, seed=42)
    assert np.array_equal(first, stratified_indices(LABELS, NAMES, 50, seed=42))
    assert not np.array_equal(first, stratified_indices(LABELS, NAMES, 50, seed=43))


def test_every_image_can_be_drawn():
    least = np.bincount(LABELS).min()
    drawn = [stratified_indices(LABELS, NAMES, int(least) - 1, seed=s) for s in range(30)]
    assert len(np.unique(np.concatenate(drawn))) == len(LABELS)


def test_too_few_images_name_the_class_what_it_has_and_what_was_asked_for():
    labels = np.array([0] * 20 + [1] * 3 + [2] * 20)
    with pytest.raises(UserError, match=r"samples_per_class.*'dog' has 3 .* 10 were asked for"):
        stratified_indices(labels, NAMES, 10, seed=42)


def test_validation_images_are_those_that_calibration_leaves_as_many_as_there_are():
    taken = stratified_indices(LABELS, NAMES, 50, seed=42)
    few = stratified_indices(LABELS, NAMES, 60, seed=42, taken=taken)
    assert np.bincount(LABELS[few]).tolist() == [60, 60, 60]
    rest = stratified_indices(LABELS, NAMES, 500, seed=42, taken=taken)
    assert sorted([*taken, *rest]) == list(range(500)) and not np.intersect1d(few, taken).size
    with pytest.raises(UserError, match=r"all training images of class 'cat' calibrate"):
        stratified_indices(LABELS, NAMES, 1, seed=42, taken=np.flatnonzero(LABELS == 0))


def test_samples_are_written_and_read(tmp_path):
    indices = stratified_indices(LABELS, NAMES, 2, seed=42)
    images = np.random.default_rng(0).integers(0, 256, (len(LABELS), 2, 2, 3), np.uint8)
    csv, npy = tmp_path / "samples.csv", tmp_path / "samples.npy"
    write_samples(Split(images, LABELS), indices, images_path=npy, samples_path=csv)
    assert csv.read_text().splitlines()[0] == "index,label"
    assert read_samples(csv).tolist() == [[i, LABELS[i]] for i in indices]
    assert np.array_equal(np.load(npy), images[indices])
    assert describe_samples(csv) == {"images": 6, "per_class": 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples.csv", "samples.npy"]


@pytest.mark.parametrize(("total", "count", "expected"), [(10, 4, [0, 3, 6, 9]), (3, 9, [0, 1, 2])])
def test_images_are_spread_over_all(total, count, expected):
    assert spread(total, count).tolist() == expected


def test_as_many_images_as_are_asked_for():
    assert all(len(spread(4000, count)) == count for count in range(1, 4001))


def test_a_class_without_any_image_has_another_remedy_than_fewer_images():
    labels = np.array([0, 0, 2, 2])
    with pytest.raises(UserError, match=r"class 'b' has no training image; add some, or remove"):
        stratified_indices(labels, ["a", "b", "c"], 2, seed=0)
