"""That no validation image is in another split: by its pixels, or by the bytes of its file."""

import numpy as np
import pytest
from helpers.picture_files import picture, write_parquet, write_pictures
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.apart import check_validation_apart
from ptq_comparison.datasets.dataset import Dataset, Split
from ptq_comparison.datasets.options import Options
from ptq_comparison.datasets.readers import read_dataset
from ptq_comparison.datasets.stored import store_split

GENERATOR = np.random.default_rng(5)


def check(folder, dataset, how, **others):
    """Store all splits in one way, but for others, and compare them."""
    paths = {split: folder / f"{split}.npy" for split in dataset.splits()}
    for split, images in dataset.splits().items():
        stored = others.get(split, how)
        store_split(images, split, stored, 1, paths[split], folder / f"{split}_labels.npy")
    check_validation_apart(dataset, paths)


def write(folder, **splits):
    """Write a PNG of each value of each split, all of one class."""
    for split, numbers in splits.items():
        for place, value in enumerate(numbers):
            path = folder / "d" / split / "a" / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(value))
    return read_dataset("image_folder", folder / "d", Options(validation="val"))


@pytest.mark.parametrize("how", ["decoded", "files"])
def test_an_equal_image_under_another_name(tmp_path, how):
    check(tmp_path, write(tmp_path / "good", train=[0, 1], test=[2, 3], val=[4, 5]), how)
    bad = write(tmp_path / "bad", train=[0, 1], test=[2, 3], val=[4, 3, 2])
    with pytest.raises(
        UserError, match=r"dataset.validation: 2 of 3 images are in the test split, too, the first "
        r"one is .*val/a/1.png; leave them out of one",
    ):  # fmt: skip
        check(tmp_path, bad, how)


def test_training_images_are_compared_where_they_are_decoded(tmp_path):
    dataset = write(tmp_path, train=[0, 1], test=[2], val=[4, 1])
    with pytest.raises(UserError, match=r"1 of 2 images are in the train split, too"):
        check(tmp_path, dataset, "decoded")
    check(tmp_path, dataset, "files")


@pytest.mark.parametrize("other", ["test", "validation"])
def test_one_split_may_be_stored_by_its_files(tmp_path, other):
    check(tmp_path, write(tmp_path / "good", train=[0], test=[2], val=[4]), "decoded", test="files")
    bad = write(tmp_path / "bad", train=[0], test=[2], val=[4, 2])
    with pytest.raises(UserError, match=r"1 of 2 images are in the test split, too"):
        check(tmp_path, bad, "decoded", **{other: "files"})


def test_pixels_are_compared_not_files(tmp_path):
    """The same image as JPEG and as PNG, where both are decoded."""
    dataset = write(tmp_path, train=[0], test=[128], val=[4])
    (tmp_path / "d/val/a/1.jpg").write_bytes(picture(128, "JPEG"))
    dataset = read_dataset("image_folder", tmp_path / "d", Options(validation="val"))
    with pytest.raises(UserError, match=r"1 of 2 images are in the test .*val/a/1.jpg"):
        check(tmp_path, dataset, "decoded")


def test_rows_of_a_table_are_read(tmp_path):
    """Whose sizes nothing tells."""
    pytest.importorskip("pyarrow")
    write_parquet(tmp_path / "d/train-0.parquet", [picture(0)], [0], ["a"])
    write_parquet(tmp_path / "d/test-0.parquet", [picture(1), picture(2)], [0, 0], ["a"])
    write_pictures(tmp_path / "own", "a/0.png")
    for value, fails in ((7, False), (2, True)):
        (tmp_path / "own/a/0.png").write_bytes(picture(value))
        options = Options(validation=str(tmp_path / "own"))
        dataset = read_dataset("parquet", tmp_path / "d", options)
        if fails:
            with pytest.raises(UserError, match=r"1 of 1 images are in the test split, too"):
                check(tmp_path, dataset, "files")
        else:
            check(tmp_path, dataset, "files")


def test_arrays_have_numbers_in_place_of_names(tmp_path):
    images = GENERATOR.integers(0, 256, (40, 3, 3, 1), np.uint8)
    labels = np.zeros(10, np.int64)
    paths = {split: tmp_path / f"{split}.npy" for split in ("train", "test", "validation")}
    for number, path in enumerate(paths.values()):
        np.save(path, images[10 * number : 10 * number + 10])
    train, test, validation = (Split(images[n : n + 10], labels) for n in (0, 10, 20))
    dataset = Dataset(["a"], train, test, validation=validation)
    check_validation_apart(dataset, paths)
    shared = images[20:30].copy()
    shared[[3, 6]] = images[[11, 12]]
    np.save(paths["validation"], shared)
    with pytest.raises(UserError, match=r"2 of 10 images are in the test .* is number 3 from 0 on"):
        check_validation_apart(dataset, paths)
