"""Stored splits: pixels, or where the files are."""

import json

import numpy as np
import pytest
from PIL import Image
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets import stored as module
from ptq_comparison.datasets.dataset import Split
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.image_files import ImageFiles
from ptq_comparison.datasets.stored import open_images, store_split

GEOMETRY = {"resize": [6, 5]}
LABELS = np.arange(7) % 3


@pytest.fixture
def files(tmp_path):
    generator = np.random.default_rng(0)
    folder = tmp_path / "{ä} images"
    folder.mkdir()
    for number in range(7):
        pixels = generator.integers(0, 256, (9 + number, 8, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


def store(folder, files, how, name="test", geometry=GEOMETRY, labels=LABELS):
    images = ImageFiles(References.of_files(files), geometry)
    path = folder / f"{how}_{name}_images.npy"
    described = store_split(Split(images, labels), name, how, 2, path, folder / "labels.npy")
    shape = list(images.shape[1:])
    (folder / "dataset.json").write_text(
        json.dumps({"geometry": images.geometry, "image_shape": shape})
    )
    return described, path


def test_both_ways_give_the_same_images(tmp_path, files):
    decoded, pixels = store(tmp_path, files, "decoded")
    by_files, places = store(tmp_path, files, "files")
    assert (decoded["stored"], by_files["stored"]) == ("decoded", "files")
    first, second = open_images(pixels), open_images(places, threads=2)
    assert isinstance(first, np.memmap) and isinstance(second, ImageFiles)
    assert first.shape == second.shape == (7, 6, 5, 3)
    assert np.array_equal(first, second[:])
    assert np.array_equal(np.load(tmp_path / "labels.npy"), LABELS)
    part = slice(2, 5)
    assert len(open_images(places, part=part)) == 3
    assert np.array_equal(open_images(pixels, part=part), open_images(places, part=part)[:])


@pytest.mark.parametrize("name", ["train", "test"])
def test_auto_decides_by_size(tmp_path, files, monkeypatch, name):
    size = 7 * 6 * 5 * 3
    for most, how in ((size, "decoded"), (size - 1, "files")):
        monkeypatch.setitem(module.MOST_DECODED, name, most)
        assert store(tmp_path, files, "auto", name)[0]["stored"] == how
    images = np.zeros((7, 6, 5, 3), np.uint8)
    paths = tmp_path / "images.npy", tmp_path / "labels.npy"
    for how in ("auto", "files"):  # arrays
        assert store_split(Split(images, LABELS), name, how, 1, *paths)["stored"] == "decoded"


@pytest.mark.parametrize("name", ["train", "test"])
def test_the_digest_is_of_files_labels_and_geometry(tmp_path, files, name):
    def digest(**changes):
        return store(tmp_path, files, "files", name, **changes)[0]["sha256"]

    first = digest()
    assert first == digest()
    assert first != digest(labels=LABELS[::-1]) and first != digest(geometry={"resize": [5, 6]})
    content = files[3].read_bytes()
    files[3].write_bytes(content + b"more")
    assert first != digest()
    changed = content[:-20] + b"\0" + content[-19:]  # of the same length
    files[3].write_bytes(changed)
    assert (first == digest()) is (name == "train")


def test_a_test_image_that_is_none_is_found_when_files_are_stored(tmp_path, files):
    files[4].write_text("<html>")
    with pytest.raises(UserError, match=r"4.png: not a PNG or JPEG"):
        store(tmp_path, files, "files", "test")
    _, path = store(tmp_path, files, "files", "train")
    with pytest.raises(UserError, match=r"4.png: not a PNG or JPEG"):
        open_images(path)[4:5]
