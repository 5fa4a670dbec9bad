"""Validation images of their own: a third split of each kind of data set, or a folder."""

import io

import numpy as np
import pytest
from helpers.cifar10_files import BATCHES, write_binary_version, write_python_version
from helpers.picture_files import picture, values, write_parquet, write_pictures, write_tar
from PIL import Image
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import check_dataset
from ptq_comparison.datasets.options import Options
from ptq_comparison.datasets.readers import read_dataset

FOLDERS = ("train/a/0.png", "train/b/1.png", "test/a/2.png", "test/b/3.png")


def read(name, path, **options):
    dataset = read_dataset(name, path, Options(**options))
    check_dataset(dataset)
    return dataset


def write_npz(path, side=4, **more):
    arrays = {"class_names": np.array(["a", "b"])}
    for number, split in enumerate(("train", "test")):
        arrays[f"{split}_images"] = np.full((2, side, side, 3), number, np.uint8)
        arrays[f"{split}_labels"] = np.array([0, 1])
    np.savez(path, **arrays, **more)
    return path


def test_without_the_key_there_is_none(tmp_path):
    dataset = read("image_folder", write_pictures(tmp_path, *FOLDERS, "val/a/4.png"))
    assert dataset.validation is None and list(dataset.splits()) == ["train", "test"]


@pytest.mark.parametrize("place", ["d/val", "elsewhere"])
def test_a_folder_of_the_data_set_or_another_one(tmp_path, place):
    """The one in the data set is meant where both are there."""
    write_pictures(tmp_path / "d", *FOLDERS)
    (tmp_path / place / "b").mkdir(parents=True)
    (tmp_path / place / "b/0.png").write_bytes(picture(9))
    name = "val" if place == "d/val" else str(tmp_path / place)
    dataset = read("image_folder", tmp_path / "d", validation=name)
    assert values(dataset.validation.images) == [9]
    assert dataset.validation.labels.tolist() == [1]  # by its name, not by its place
    assert values(dataset.test.images) == [2, 3] and len(dataset.train.labels) == 2
    assert list(dataset.splits()) == ["train", "test", "validation"]


def test_a_folder_beside_a_hold_out_and_beside_calibration_images(tmp_path):
    write_pictures(tmp_path / "d", *(f"{name}/{n}.png" for name in "ab" for n in range(3)))
    write_pictures(tmp_path / "own", "A/7.png", "b/8.png")
    (tmp_path / "classes.txt").write_text("a\nb\n")
    own = {"validation": str(tmp_path / "own"), "classes": str(tmp_path / "classes.txt")}
    held = read("image_folder", tmp_path / "d", hold_out=0.3, **own)
    assert (len(held.train.labels), len(held.test.labels)) == (4, 2)
    assert held.validation.labels.tolist() == [0, 1]
    write_pictures(tmp_path / "c", "x.png")
    given = read("image_folder", tmp_path / "d", calibration=str(tmp_path / "c"), **own)
    assert given.train.labels.tolist() == [-1] and given.validation.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ("none", r"dataset.validation: none: no split of the data set has this name, and no fold"),
        ("flat", r"dataset.validation: .*flat: has no folders; put the images of each class"),
        ("other", r"dataset.validation: 'c' is none of the classes \(they are a, b\); corr"),
        ("test", r"dataset.validation: .*test/a/2.png: is in the test split, too; name a split or"),
        ("train", r"dataset.validation: .*train/a/0.png: is in the train split, too; name a split"),
        ("empty", r"dataset.path: the validation split has no images; check the data set"),
        ("large", r"dataset.validation: its images have the shape \(9, 9, 3\), test ima"),
    ],
)  # fmt: skip
def test_what_is_no_split_of_its_own(tmp_path, validation, message):
    write_pictures(tmp_path, *FOLDERS, "flat/4.png", "other/c/5.png")
    (tmp_path / "empty/a").mkdir(parents=True)
    (tmp_path / "large/a").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "large/a/0.png")
    with pytest.raises(UserError, match=message):
        read("image_folder", tmp_path, validation=validation)


def test_a_split_of_a_list(tmp_path):
    write_pictures(tmp_path, "0.png", "1.png", "2.png")
    rows = "path,label,split\n0.png,cat,train\n1.png,cat,test\n2.png,cat,extra\n"
    (tmp_path / "l.csv").write_text(rows)
    labels = str(tmp_path / "l.csv")
    dataset = read("image_folder", tmp_path, labels=labels, validation="extra")
    assert values(dataset.validation.images) == [2] and values(dataset.test.images) == [1]
    (tmp_path / "l.csv").write_text(rows.replace("2.png,cat", "2.png,"))
    with pytest.raises(UserError, match=r"dataset.validation: its images have no labels; name a"):
        read("image_folder", tmp_path, labels=labels, validation="extra")
    with pytest.raises(UserError, match=r"dataset.validation: .*1.png: is in the test split, too"):
        read("image_folder", tmp_path, labels=labels, validation="test")


@pytest.mark.parametrize("place", ["inside", "beside"])
def test_a_list_of_labels_of_its_own(tmp_path, place):
    """Flat folders, as that of ImageNet's validation images."""
    data = write_pictures(tmp_path / "d", "train/0.png", "test/1.png")
    folder = data / "flat" if place == "inside" else tmp_path / "flat"
    folder.mkdir()
    (folder / "9.png").write_bytes(picture(9))
    lists = {"train": "0.png 0\n", "test": "1.png 0\n", "validation": "9.png 0\n"}
    for split, text in lists.items():
        (tmp_path / f"{split}.txt").write_text(text)
    labels = {split: str(tmp_path / f"{split}.txt") for split in lists}
    validation = "flat" if place == "inside" else str(folder)
    dataset = read("image_folder", data, labels=labels, validation=validation)
    assert values(dataset.validation.images) == [9] and dataset.validation.labels.tolist() == [0]


def test_shards_and_an_archive_of_tar(tmp_path):
    members = {"train": 0, "test": 1, "val": 2}
    for split, value in members.items():
        write_tar(tmp_path / f"s/{split}-0.tar", {"a/0.png": picture(value)})
    shards = read("tar", tmp_path / "s", validation="val")
    assert values(shards.validation.images) == [2] and values(shards.test.images) == [1]
    whole = {f"{split}/a/0.png": picture(value) for split, value in members.items()}
    archive = read("tar", write_tar(tmp_path / "d.tar", whole), validation="val")
    assert values(archive.validation.images) == [2] and values(archive.test.images) == [1]
    with pytest.raises(UserError, match=r"is in the test split, too"):
        read("tar", tmp_path / "s", validation="test")
    with pytest.raises(UserError, match=r"dataset.validation: extra: no split of the data set"):
        read("tar", tmp_path / "d.tar", validation="extra")


def test_parquet_files(tmp_path):
    pytest.importorskip("pyarrow")
    for split, values_ in (("train", [0, 1]), ("test", [2, 3]), ("validation", [4, 5])):
        contents = [picture(value) for value in values_]
        write_parquet(tmp_path / f"{split}-0.parquet", contents, [0, 1], ["cat", "dog"])
    dataset = read("parquet", tmp_path, validation="validation")
    assert values(dataset.validation.images) == [4, 5] and values(dataset.test.images) == [2, 3]
    write_pictures(tmp_path / "own", "dog/6.png")
    folder = read("parquet", tmp_path, validation=str(tmp_path / "own"))
    assert folder.validation.labels.tolist() == [1]


def test_arrays_of_an_npz_archive(tmp_path):
    arrays = {"val_images": np.full((3, 4, 4, 3), 9, np.uint8), "val_labels": np.array([0, 1, 1])}
    path = write_npz(tmp_path / "d.npz", **arrays)
    dataset = read("npz", path, validation="val")
    assert values(dataset.validation.images) == [9, 9, 9]
    assert dataset.validation.labels.tolist() == [0, 1, 1]
    assert read("npz", path).validation is None
    for split, use in (("test", "is tested on"), ("train", "calibrates")):
        with pytest.raises(UserError, match=rf"{split} is the split that {use}; name another one"):
            read("npz", path, validation=split)
    path = write_npz(tmp_path / "half.npz", val_images=arrays["val_images"])
    with pytest.raises(UserError, match=r"half.npz: no array val_labels; needed: .*val_labels"):
        read("npz", path, validation="val")
    path = write_npz(tmp_path / "more.npz", **{**arrays, "val_labels": np.array([0, 1, 2])})
    with pytest.raises(UserError, match=r"labels of the validation split run from 0 to 2"):
        read("npz", path, validation="val")


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_folder_beside_arrays(tmp_path, mode):
    """Files become as many channels as the arrays have."""
    for label in ("b", "A"):
        (tmp_path / "own" / label).mkdir(parents=True)
        Image.new(mode, (4, 4), 7 if mode == "L" else (7, 7, 7)).save(
            tmp_path / "own" / label / "0.png"
        )
    dataset = read("npz", write_npz(tmp_path / "d.npz"), validation=str(tmp_path / "own"))
    assert dataset.validation.images.shape == (2, 4, 4, 3)
    assert values(dataset.validation.images) == [7, 7]
    assert dataset.validation.labels.tolist() == [0, 1]
    with pytest.raises(UserError, match=r"dataset.validation: its images have the shape \(4, 4, 3"):
        read("npz", write_npz(tmp_path / "l.npz", side=5), validation=str(tmp_path / "own"))
    (tmp_path / "own/fish").mkdir()
    with pytest.raises(UserError, match=r"dataset.validation: 'fish' is none of the classes"):
        read("npz", write_npz(tmp_path / "d.npz"), validation=str(tmp_path / "own"))


@pytest.mark.parametrize("write", [write_binary_version, write_python_version])
def test_a_training_batch_of_cifar10(tmp_path, write):
    """As a model has not seen it that was trained on the first four."""
    path = write(tmp_path / "d")
    dataset = read("cifar10", path, validation="data_batch_5")
    assert dataset.validation.labels.tolist() == BATCHES["data_batch_5"][1].tolist()
    four = [BATCHES[f"data_batch_{number}"][1] for number in range(1, 5)]
    assert dataset.train.labels.tolist() == np.concatenate(four).tolist()
    assert dataset.validation.images.shape[1:] == (32, 32, 3)
    with pytest.raises(UserError, match=r"dataset.validation: test_batch is the test split; name"):
        read("cifar10", path, validation="test_batch")
    with pytest.raises(UserError, match=r"dataset.validation: batch_9: no split of the data set"):
        read("cifar10", path, validation="batch_9")


def test_shapes_have_no_third_split_but_may_have_a_folder(tmp_path):
    with pytest.raises(UserError, match=r"dataset.validation: val: no split of the data set has"):
        read("shapes", None, validation="val")
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, "PNG")
    (tmp_path / "disc").mkdir()
    (tmp_path / "disc/0.png").write_bytes(buffer.getvalue())
    dataset = read("shapes", None, validation=str(tmp_path))
    assert dataset.validation.labels.tolist() == [list(dataset.class_names).index("disc")]
