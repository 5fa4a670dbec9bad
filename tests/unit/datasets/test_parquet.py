"""Parquet files of encoded images, as Hugging Face has them."""

import os
import sys

import pytest
from helpers.picture_files import picture, values, write_parquet
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets import parquet_rows
from ptq_comparison.datasets.options import Options
from ptq_comparison.datasets.parquet import read_parquet

pa = pytest.importorskip("pyarrow", reason="needs pyarrow (group parquet of pyproject.toml)")
pq = pytest.importorskip("pyarrow.parquet")

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NAMES = ["dog", "cat"]  # in this order


def write(path, first, labels, names=None, **options):
    """Write images whose values count from `first` on, with labels."""
    contents = [picture(first + number) for number in range(len(labels))]
    return write_parquet(path, contents, labels, names, **options)


def write_tables(folder, metadata=None, **columns):
    for split in ("train", "test"):
        table = pa.table(columns).replace_schema_metadata(metadata)
        pq.write_table(table, folder / f"{split}.parquet")
    return folder


@pytest.fixture
def folder(tmp_path):
    data = tmp_path / "data"
    write(data / "train-00000-of-00002.parquet", 0, [0, 1, 1], NAMES)
    write(data / "train-00001-of-00002.parquet", 3, [1, 0], NAMES)
    write(data / "test-00000-of-00001.parquet", 5, [1, 0, 1], NAMES)
    return tmp_path


def test_splits_and_classes_are_those_of_the_metadata(folder):
    dataset = read_parquet(folder, Options())
    assert dataset.class_names == ["dog", "cat"]
    assert values(dataset.train.images) == [0, 1, 2, 3, 4]
    assert dataset.train.labels.tolist() == [0, 1, 1, 1, 0]
    assert values(dataset.test.images) == [5, 6, 7] and dataset.test.labels.tolist() == [1, 0, 1]
    assert dataset.train.images.references.name(4).endswith("train-00001-of-00002.parquet: row 1")


def test_another_order_of_the_classes(folder):
    dataset = read_parquet(folder, Options(class_order="sorted"))
    assert dataset.class_names == ["cat", "dog"] and dataset.test.labels.tolist() == [0, 1, 0]
    (folder / "classes.txt").write_text("bird\nCat\nDog\n")
    dataset = read_parquet(folder, Options(classes=str(folder / "classes.txt")))
    assert len(dataset.class_names) == 3 and dataset.test.labels.tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        ([1, 0], {"image": "img", "label": "fine_label"}),
        (["b", "a"], {"label": "class"}),
        ([1, 0], {"image": "picture", "label": "kind", "names": NAMES}),
    ],
)
def test_other_columns(tmp_path, labels, options):
    for split, first in (("train", 0), ("validation", 2)):
        write(tmp_path / f"{split}.parquet", first, labels, **options)
    dataset = read_parquet(tmp_path, Options())
    assert values(dataset.test.images) == [2, 3] and dataset.test.labels.tolist() == [1, 0]


def test_one_file_with_a_hold_out(tmp_path):
    path = write(tmp_path / "all.parquet", 0, [0, 1] * 10, NAMES)
    dataset = read_parquet(path, Options(hold_out=0.2))
    assert sorted(dataset.test.labels.tolist()) == [0, 0, 1, 1]
    assert sorted(values(dataset.train.images) + values(dataset.test.images)) == [*range(20)]


def test_rows_are_read_in_any_order_and_by_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_rows, "MOST_HELD", 1)  # nothing is held but the last rows
    monkeypatch.setattr(parquet_rows, "BATCH", 3)
    for split in ("train", "test"):
        write(tmp_path / f"{split}.parquet", 0, [0, 1] * 50, group=20)
    images = read_parquet(tmp_path, Options()).test.images
    for threads in (1, 4):
        images.threads = threads
        assert values(images) == list(range(100))
    assert [int(images[place][0, 0, 0]) for place in (99, 0, 41, 40, 3)] == [99, 0, 41, 40, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [0, 2], "names": NAMES}, r"names 2 classes, but labels go up to 2"),
        ({"labels": [0.5, 1.0]}, r"column label is double; integers or texts are needed"),
        ({"labels": [0, 1], "label": "answer"}, r"no column label; found: image, answer; write"),
        ({"labels": [0, 1], "image": "x"}, r"no column image or img with encoded images; found: x"),
        ({"labels": [0, 1], "names": [1, 2]}, r"names of label are no texts"),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit(tmp_path, options, message):
    for split in ("train", "test"):
        write(tmp_path / f"{split}.parquet", 0, **options)
    with pytest.raises(UserError, match=message) as error:
        read_parquet(tmp_path, Options())
    assert str(error.value).isprintable()


def test_files_of_different_classes(folder):
    write(folder / "data/train-3.parquet", 0, [0], ["dog", "bird"])
    with pytest.raises(UserError, match=r"train-3.parquet: has other classes than .*train-00000"):
        read_parquet(folder, Options())


def test_without_pyarrow_one_line_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"^dataset.name: parquet needs pyarrow, .*; install it"):
        read_parquet(folder, Options())


def test_what_is_no_parquet_file(tmp_path):
    for content in (b"", b"<html>", b"PAR1" + bytes(100) + b"PAR1", b"version https://git-lfs"):
        for split in ("train", "test"):
            (tmp_path / f"{split}.parquet").write_bytes(content)
        with pytest.raises(UserError, match=r"train.parquet: not a Parquet file \(.*\); download"):
            read_parquet(tmp_path, Options())


def test_damaged_pages(tmp_path):
    for split in ("train", "test"):
        path = write(tmp_path / f"{split}.parquet", 0, [0, 1] * 20, group=40)
    content = bytearray(path.read_bytes())
    content[10:200] = os.urandom(190)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"test.parquet: row \d+ cannot be read|test.parquet: row"):
        read_parquet(tmp_path, Options()).test.images[0:40]


def test_images_that_are_missing(tmp_path):
    write_tables(tmp_path, image=pa.array([None], IMAGE), label=[0])
    with pytest.raises(UserError, match=r"train.parquet: row 0 has no image bytes"):
        read_parquet(tmp_path, Options())


def test_images_that_are_plain_bytes(tmp_path):
    write_tables(tmp_path, image=pa.array([picture(7)], pa.binary()), label=[0])
    assert values(read_parquet(tmp_path, Options()).test.images) == [7]


@pytest.mark.parametrize(
    "metadata", [b"{", b"[]", b'{"info": {"features": {"label": {"_type": "ClassLabel"}}}}']
)
def test_metadata_that_cannot_be_read(tmp_path, metadata):
    write_tables(tmp_path, {b"huggingface": metadata}, image=[picture(0)], label=[0])
    with pytest.raises(UserError, match=r"metadata of Hugging Face cannot be read \(.*\); write"):
        read_parquet(tmp_path, Options())


def test_labels_that_are_missing(tmp_path):
    """As of some test splits of Hugging Face."""
    write(tmp_path / "train.parquet", 0, [0, 1], NAMES)
    write(tmp_path / "test.parquet", 2, [-1, -1], NAMES)
    with pytest.raises(UserError, match=r"test images have no labels; .* such as validation$"):
        read_parquet(tmp_path, Options())
    write(tmp_path / "validation.parquet", 4, [1, 0], NAMES)
    dataset = read_parquet(tmp_path, Options(splits={"train": "train", "test": "validation"}))
    assert values(dataset.test.images) == [4, 5]
