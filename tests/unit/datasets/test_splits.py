"""Which folder is which split, the hold-out, and calibration images without labels."""

import numpy as np
import pytest
from helpers.picture_files import values, write_pictures
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import check_dataset
from ptq_comparison.datasets.image_folder import read_image_folder
from ptq_comparison.datasets.options import Options
from ptq_comparison.datasets.split_list import write_split_list


@pytest.mark.parametrize("test", ["test", "val", "validation", "valid"])
def test_usual_names_of_splits(tmp_path, test):
    dataset = read_image_folder(write_pictures(tmp_path, "train/a/0.png", f"{test}/a/0.png"))
    assert values(dataset.train.images) == [0] and values(dataset.test.images) == [1]


def test_a_test_split_without_classes_gives_way(tmp_path):
    """ImageNet's test images have no labels."""
    write_pictures(tmp_path, "train/a/0.png", "test/0.png", "val/a/0.png")
    assert values(read_image_folder(tmp_path).test.images) == [2]
    write_pictures(tmp_path, "train/a/0.png", "val/a/0.png", "test/a/0.png")
    assert values(read_image_folder(tmp_path).test.images) == [2]


def test_other_names_of_splits(tmp_path):
    write_pictures(tmp_path, "fit/a/0.png", "held/out/a/0.png", "test/b/0.png")
    options = Options(splits={"train": "fit", "test": "held/out"})
    assert values(read_image_folder(tmp_path, options).test.images) == [1]
    with pytest.raises(UserError, match=r"no folder other; found: fit, held, test; name two fold"):
        read_image_folder(tmp_path, Options(splits={"train": "fit", "test": "other"}))
    with pytest.raises(UserError, match=r"dataset.splits: both are fit; name two splits"):
        read_image_folder(tmp_path, Options(splits={"train": "fit", "test": "./fit/"}))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cat/0.png", "dog/0.png"], r"no folder train; found: cat, dog; these look like classes: "
         r"set dataset.hold_out to 0.2"),
        (["train/cat/0.png"], r"no folder test or val .*; found: train; .* dataset.hold_out and"),
        (["training/cat/0.png", "testing/cat/0.png"],
         r"no folder train; found: testing, training; name two folders with dataset.splits"),
        (["0.png"], r"no folder train; found: nothing; put the images of each class into a folder"),
        ([], r"no folder train; found: nothing; correct dataset.path"),
        (["train/0.png", "test/0.png"], r"train: has no folders; .* set dataset.labels"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_with_what_is_there(tmp_path, names, message):
    with pytest.raises(UserError, match=message):
        read_image_folder(write_pictures(tmp_path, *names))


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "photos.zip").touch()
    with pytest.raises(UserError, match=r"photos.zip: is no folder"):
        read_image_folder(tmp_path / "photos.zip")


def test_class_folders_may_have_folders_in_them(tmp_path):
    """So has TinyImageNet."""
    names = ["train/a/images/1.png", "train/a/0.PNG", "train/b/x/y/0.png", "test/a/0.png"]
    dataset = read_image_folder(write_pictures(tmp_path, *names))
    assert values(dataset.train.images) == [1, 0, 2] and dataset.train.labels.tolist() == [0, 0, 1]


def test_links_to_folders_above_are_not_followed(tmp_path):
    write_pictures(tmp_path, "train/a/0.png", "test/a/0.png")
    (tmp_path / "train/a/loop").symlink_to(tmp_path / "train")
    assert len(read_image_folder(tmp_path).train.labels) == 1


def test_other_files_are_counted(tmp_path, caplog):
    write_pictures(tmp_path, "train/a/0.png", "train/a/1.webp", "train/a/2.webp", "test/a/0.png")
    with caplog.at_level("INFO"):
        assert len(read_image_folder(tmp_path).train.labels) == 1
    assert "train/a: 2 files left out, which are '.webp'" in caplog.text


def test_empty_class_folders_keep_their_place_and_are_noted(tmp_path, caplog):
    write_pictures(tmp_path, "train/a/0.png", "train/c/0.png", "test/c/0.png")
    for split in ("train", "test"):
        (tmp_path / split / "b").mkdir()
    with caplog.at_level("INFO"):
        dataset = read_image_folder(tmp_path)
        check_dataset(dataset)
    assert dataset.class_names == ["a", "b", "c"]
    assert dataset.train.labels.tolist() == [0, 2] and dataset.test.labels.tolist() == [2]
    assert "train split: 1 of 3 classes have no images: b" in caplog.text
    assert "test split: 2 of 3 classes have no images: a, b" in caplog.text


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (None, ["B", "a", "c10", "c9"]),
        ("sorted", ["B", "a", "c10", "c9"]),
        ("natural", ["B", "a", "c9", "c10"]),
        ("casefold", ["a", "B", "c10", "c9"]),
    ],
)
def test_orders_of_folders(tmp_path, order, names):
    folders = [f"{split}/{name}/0.png" for split in ("train", "test") for name in sorted(names)]
    write_pictures(tmp_path, *folders)
    dataset = read_image_folder(tmp_path, Options(class_order=order))
    assert dataset.class_names == names
    for split in (dataset.train, dataset.test):
        of_file = [sorted(names)[value % 4] for value in values(split.images)]
        assert [names[label] for label in split.labels] == of_file


@pytest.mark.parametrize(
    ("names", "noted"),
    [
        (["0", "1", "10", "2"], True),
        (["c10", "c9"], True),
        (["0", "1", "2"], False),
        (["a10", "a9", "b"], False),
    ],
)
def test_numbers_in_the_order_of_texts_are_noted(tmp_path, caplog, names, noted):
    folders = [f"{split}/{name}/0.png" for split in ("train", "test") for name in names]
    with caplog.at_level("INFO"):
        assert read_image_folder(write_pictures(tmp_path, *folders)).class_names == names
    assert ("classes are sorted as texts, not by their numbers: " in caplog.text) == noted


def test_a_subset_of_the_classes(tmp_path, caplog):
    """Images of two of four outputs, under a synset and another spelling."""
    classes = tmp_path / "classes.json"
    classes.write_text('{"0": ["n0", "tench"], "1": ["n1", "cock"], "2": ["n2", "Great White"],'
                       ' "3": ["n3", "hen"]}')  # fmt: skip
    names = [
        f"{split}/{name}/0.png" for split in ("train", "test") for name in ("n3", "great_white")
    ]
    write_pictures(tmp_path, *names)
    options = Options(classes=str(classes))
    with caplog.at_level("INFO"):
        dataset = read_image_folder(tmp_path, options)
        check_dataset(dataset)
    assert dataset.class_names == ["tench", "cock", "Great White", "hen"]
    assert dataset.test.labels.tolist() == [2, 3] and values(dataset.test.images) == [3, 2]
    assert "test split: 2 of 4 classes have no images: tench, cock" in caplog.text
    write_pictures(tmp_path, "test/hens/0.png")
    with pytest.raises(UserError, match=r"test split: 'hens' is none of .* \(near: hen\); correct"):
        read_image_folder(tmp_path, options)


# The hold-out


def flowers(folder, **counts):
    names = [f"{name}/{number}.png" for name, count in counts.items() for number in range(count)]
    return write_pictures(folder, *names)


def test_the_hold_out_is_stratified_and_apart(tmp_path):
    path = flowers(tmp_path, rose=10, tulip=20, iris=2, lily=1)
    dataset = read_image_folder(path, Options(hold_out=0.2, seed=1))
    assert dataset.class_names == ["iris", "lily", "rose", "tulip"]
    assert np.bincount(dataset.test.labels, minlength=4).tolist() == [1, 0, 2, 4]
    assert np.bincount(dataset.train.labels).tolist() == [1, 1, 8, 16]
    both = values(dataset.train.images) + values(dataset.test.images)
    assert sorted(both) == list(range(33))
    again = read_image_folder(path, Options(hold_out=0.2, seed=1))
    assert values(again.test.images) == values(dataset.test.images)
    other = read_image_folder(path, Options(hold_out=0.2, seed=2))
    assert values(other.test.images) != values(dataset.test.images)


def test_what_was_drawn_is_a_list_that_draws_it_again(tmp_path):
    path = flowers(tmp_path / "flowers", rose=4, tulip=6)
    dataset = read_image_folder(path, Options(hold_out=0.5, seed=3))
    write_split_list(dataset, path, tmp_path / "split.csv")
    lines = (tmp_path / "split.csv").read_text().splitlines()
    assert lines[0] == "path,label,split" and len(lines) == 11
    assert sum(line.startswith("tulip/") and line.endswith(",1,test") for line in lines) == 3
    listed = read_image_folder(path, Options(labels=str(tmp_path / "split.csv")))
    for split in ("train", "test"):
        mine, again = getattr(dataset, split), getattr(listed, split)
        assert values(mine.images) == values(again.images)
        assert mine.labels.tolist() == again.labels.tolist()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/a/0.png", "val/a/0.png"], r"train holds folders, as a split does; set"),
        (["0.png"], r"has no folders; dataset.hold_out wants the images of each class"),
    ],
)
def test_hold_out_of_what_is_no_folder_of_classes(tmp_path, names, message):
    with pytest.raises(UserError, match=message):
        read_image_folder(write_pictures(tmp_path, *names), Options(hold_out=0.2))


def test_a_class_may_be_called_train(tmp_path):
    path = flowers(tmp_path, bus=2, train=2)
    assert read_image_folder(path, Options(hold_out=0.5)).class_names == ["bus", "train"]


# Calibration images without labels


@pytest.mark.parametrize("test", ["data/test/", "data/val/", "data/"])
def test_calibration_images_without_labels(tmp_path, caplog, test):
    names = ["calibration/x/y/0.png", "calibration/1.jpg", f"{test}a/0.png", f"{test}b/0.png"]
    write_pictures(tmp_path, *names)
    (tmp_path / "calibration/notes.txt").touch()
    options = Options(calibration=str(tmp_path / "calibration"))
    with caplog.at_level("INFO"):
        dataset = read_image_folder(tmp_path / "data", options)
        check_dataset(dataset)
    assert dataset.class_names == ["a", "b"]
    assert values(dataset.train.images) == [1, 0] and dataset.train.labels.tolist() == [-1, -1]
    assert values(dataset.test.images) == [2, 3] and dataset.test.labels.tolist() == [0, 1]


def test_calibration_images_are_no_test_images(tmp_path):
    write_pictures(tmp_path, "test/a/0.png", "test/b/0.png")
    for folder in ("test/b", "test", "../" + tmp_path.name):
        with pytest.raises(UserError, match=r"0.png: is in both splits; accuracy is measured on"):
            read_image_folder(tmp_path, Options(calibration=str(tmp_path / folder)))


def test_a_folder_of_calibration_images_that_is_none(tmp_path):
    write_pictures(tmp_path, "test/a/0.png")
    (tmp_path / "empty").mkdir()
    for name, message in (("none", "no such folder"), ("empty", "has no PNG or JPEG file")):
        with pytest.raises(UserError, match=rf"dataset.calibration: .*{name}: {message}"):
            read_image_folder(tmp_path, Options(calibration=str(tmp_path / name)))
