"""The reader of .npz archives, and what it refuses."""

import numpy as np
import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import check_dataset
from ptq_comparison.datasets.npz import read_npz


def save_npz(path, **changes):
    arrays = {
        "train_images": np.zeros((4, 2, 2, 3), np.uint8),
        "train_labels": np.array([0, 1, 2, 0]),
        "test_images": np.ones((3, 2, 2, 3), np.uint8),
        "test_labels": np.array([[0], [1], [2]]),
    }
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_npz_is_read(tmp_path):
    dataset = read_npz(save_npz(tmp_path / "d.npz"))
    assert dataset.class_names == ["0", "1", "2"]
    assert dataset.test.labels.tolist() == [0, 1, 2]
    named = read_npz(save_npz(tmp_path / "n.npz", class_names=np.array(["a", "b", "c"])))
    assert named.class_names == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_labels": None}, "no array test_labels"),
        ({"train_images": np.zeros((4, 2, 2, 3), np.float32)}, "train_images is float32"),
        ({"train_labels": np.zeros(4)}, "train_labels is float64"),
        ({"class_names": np.array([object()])}, "not a NumPy .npz archive of plain arrays"),
    ],
)
def test_npz_refuses_what_does_not_fit(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        read_npz(save_npz(tmp_path / "d.npz", **changes))


def test_labels_from_1_are_no_further_class(tmp_path):
    """Without names, they would be taken for classes 0 to 3, the first one without images."""
    from_one = {"train_labels": np.array([1, 2, 3, 1]), "test_labels": np.array([1, 2, 3])}
    with pytest.raises(UserError, match=r"d.npz: labels run from 1 to 3: labels start at 1; this"):
        read_npz(save_npz(tmp_path / "d.npz", **from_one))
    # With a name for each, class 0 may have no image in a split.
    names = np.array(["background", "a", "b", "c"])
    check_dataset(read_npz(save_npz(tmp_path / "d.npz", **from_one, class_names=names)))
    one_split = {"test_labels": np.array([1, 2, 1])}
    check_dataset(read_npz(save_npz(tmp_path / "d.npz", **one_split)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_labels": np.array([0, 1, 2, 2**62])},
         f"{2**62 + 1} classes, but 4 training images, and each class needs one"),
        ({"train_labels": np.array([0, 1, 2, 2**63], np.uint64)}, f"has the label {2**63}; number"),
        ({"train_images": np.asfortranarray(np.ones((4, 2, 2, 3), np.uint8))},
         r"in Fortran order; save np.ascontiguousarray\(...\) of it"),
        ({"train_images": np.zeros((4, 0, 2, 3), np.uint8)}, r"an image are \(0, 2, 3\)"),
        ({"class_names": np.zeros(3)}, r"class_names is float64 of shape \(3,\); a list of texts"),
    ],
)  # fmt: skip
def test_what_a_header_says_is_checked_first(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        read_npz(save_npz(tmp_path / "d.npz", **changes))


def test_names_may_be_bytes(tmp_path):
    path = save_npz(tmp_path / "d.npz", class_names=np.array([b"a", "ü".encode(), b"c"]))
    assert read_npz(path).class_names == ["a", "ü", "c"]


def test_images_stay_in_the_archive(tmp_path):
    """They are read when they are asked for, in any order; grey ones have one channel."""
    images = np.random.default_rng(0).integers(0, 256, (4, 2, 3), np.uint8)
    for compress in (np.savez, np.savez_compressed):
        path = save_npz(tmp_path / "d.npz", train_images=images)
        compress(path, **{**np.load(path)})
        stored = read_npz(path).train.images
        assert stored.shape == (4, 2, 3, 1) and len(stored) == 4
        for part in (slice(2, 4), slice(0, 1), slice(1, 9), slice(None)):
            assert np.array_equal(stored[part], images[part, ..., np.newaxis])


def test_npz_that_is_none(tmp_path):
    (tmp_path / "d.npz").write_text("<html>")
    with pytest.raises(UserError, match=r"d.npz: not a NumPy"):
        read_npz(tmp_path / "d.npz")


def test_npz_that_is_a_single_array(tmp_path):
    np.save(tmp_path / "d.npy", np.zeros((4, 2, 2, 3), np.uint8))
    (tmp_path / "d.npy").rename(tmp_path / "d.npz")
    with pytest.raises(UserError, match=r"d.npz: not a NumPy .npz archive"):
        read_npz(tmp_path / "d.npz")


def test_npz_that_is_damaged(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    np.savez_compressed(tmp_path / "d.npz", train_images=images)
    whole = (tmp_path / "d.npz").read_bytes()
    place = whole.index(b"train_images.npy") + 60
    # Pixels, and bytes of the header that stand for an unknown compression and for encryption.
    for start, damage in ((place, b"\xff" * 40), (8, b"\x63"), (6, b"\x01")):
        damaged = bytearray(whole)
        damaged[start : start + len(damage)] = damage
        # The directory at the end repeats the header.
        if start < 30:
            copy = whole.rindex(b"PK\x01\x02") + start + 2
            damaged[copy : copy + len(damage)] = damage
        (tmp_path / "d.npz").write_bytes(damaged)
        with pytest.raises(UserError, match=r"d.npz: not a NumPy .npz archive"):
            read_npz(tmp_path / "d.npz")


def test_npz_with_a_single_name_has_one_class(tmp_path):
    dataset = read_npz(save_npz(tmp_path / "d.npz", class_names=np.array("cat")))
    assert dataset.class_names == ["cat"]
    with pytest.raises(UserError, match=r"there are 1 classes"):
        check_dataset(dataset)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_images": np.ones((0, 2, 2, 3), np.uint8), "test_labels": np.zeros(0, int)},
         "test split has no images"),
        ({"train_labels": np.array([0, 1])}, "4 images and 2 labels"),
        ({"class_names": np.array(["a", "b"])},
         "run from 0 to 2, but there are 2 classes, 0 to 1; remove or relabel the images labelled "
         "2, or name all classes"),
        ({"test_labels": np.array([-1, 0, 2])}, "relabel the images labelled -1$"),
        ({"train_labels": np.array([1, 2, 3, 1]), "class_names": np.array(["a", "b", "c"])},
         "labels of the train split run from 1 to 3: labels start at 1; this workflow counts from "
         "0: subtract 1$"),
        ({"test_images": np.ones((3, 3, 2, 3), np.uint8)}, "all must be equal"),
    ],
)  # fmt: skip
def test_splits_that_do_not_fit_are_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        check_dataset(read_npz(save_npz(tmp_path / "d.npz", **changes)))
