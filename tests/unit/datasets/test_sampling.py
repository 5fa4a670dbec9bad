"""Rule sample_calibration: which images, and how they are written down."""

import numpy as np
import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import Split
from ptq_comparison.datasets.sampling import (
    calibration_indices,
    describe_samples,
    even_counts,
    read_samples,
    spread,
    validation_indices,
    write_samples,
)

LABELS = np.random.default_rng(7).integers(0, 3, 500)
NAMES = ("cat", "dog", "frog")


def test_every_class_has_its_share_without_repetition():
    indices = calibration_indices(LABELS, NAMES, 50, 512, seed=42)
    assert np.bincount(LABELS[indices]).tolist() == [50, 50, 50]
    assert len(set(indices.tolist())) == 150
    assert indices.dtype == np.int64 and (np.diff(indices) > 0).all()


def test_the_seed_decides():
    first = calibration_indices(LABELS, NAMES, 50, 512, seed=42)
    assert np.array_equal(first, calibration_indices(LABELS, NAMES, 50, 512, seed=42))
    assert not np.array_equal(first, calibration_indices(LABELS, NAMES, 50, 512, seed=43))


def test_every_image_can_be_drawn():
    least = np.bincount(LABELS).min()
    drawn = [calibration_indices(LABELS, NAMES, int(least) - 1, 512, seed=s) for s in range(30)]
    assert len(np.unique(np.concatenate(drawn))) == len(LABELS)


def test_too_few_images_name_the_class_what_it_has_and_what_was_asked_for():
    labels = np.array([0] * 20 + [1] * 3 + [2] * 20)
    with pytest.raises(UserError, match=r"samples_per_class.*'dog' has 3 .* 10 were asked for"):
        calibration_indices(labels, NAMES, 10, 512, seed=42)


def test_a_total_is_spread_over_the_classes_as_evenly_as_they_go():
    labels = np.repeat([0, 1, 2, 3], [100, 10, 1, 40])
    indices = calibration_indices(labels, [*NAMES, "hen"], None, 60, seed=42)
    counts = np.bincount(labels[indices], minlength=4)
    assert len(indices) == 60 == len(set(indices.tolist()))
    assert counts[1:3].tolist() == [8, 1]  # a fifth is left to choose recipes on
    assert sorted(counts[[0, 3]].tolist()) == [25, 26]
    assert len(calibration_indices(labels, NAMES, None, 10**6, seed=42)) == 80 + 8 + 1 + 32


def test_of_more_classes_than_images_some_get_one():
    labels = np.repeat(np.arange(1000), 3)
    indices = calibration_indices(labels, list(map(str, range(1000))), None, 512, seed=42)
    assert np.bincount(labels[indices], minlength=1000).max() == 1 and len(indices) == 512


def test_even_counts_add_up():
    available = np.array([5, 0, 7, 100])
    for total in range(130):
        counts = even_counts(available, total, seed=0)
        assert counts.sum() == min(total, 112) and (counts <= available).all()
        short = counts < available
        assert not short.any() or counts.max() - counts[short].min() <= 1


def test_images_without_labels_are_one_group():
    labels = np.full(50, -1)
    assert len(calibration_indices(labels, NAMES, None, 20, seed=42)) == 20
    with pytest.raises(UserError, match="none is left to choose recipes on"):
        validation_indices(labels, np.arange(20), 10, 10, seed=42)


def test_validation_images_are_those_that_calibration_leaves_as_many_as_there_are():
    taken = calibration_indices(LABELS, NAMES, 50, 512, seed=42)
    few = validation_indices(LABELS, taken, 60, 1000, seed=42)
    assert np.bincount(LABELS[few]).tolist() == [60, 60, 60]
    assert len(validation_indices(LABELS, taken, 60, 90, seed=42)) == 90
    rest = validation_indices(LABELS, taken, 500, 1000, seed=42)
    assert sorted([*taken, *rest]) == list(range(500)) and not np.intersect1d(few, taken).size
    with pytest.raises(UserError, match="all labelled training images calibrate"):
        validation_indices(LABELS, np.arange(500), 1, 10, seed=42)


def test_samples_are_written_and_read(tmp_path):
    indices = calibration_indices(LABELS, NAMES, 2, 512, seed=42)
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


def test_a_class_without_any_image_is_left_out():
    labels = np.array([0, 0, 2, 2])
    assert calibration_indices(labels, ["a", "b", "c"], 2, 512, seed=0).tolist() == [0, 1, 2, 3]
