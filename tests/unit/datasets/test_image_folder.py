"""The reader of folders of images, and what it refuses."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import write_split
from ptq_comparison.datasets.image_folder import read_image_folder
from ptq_comparison.datasets.stored import open_images


def write_image(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def image_folder(tmp_path):
    generator = np.random.default_rng(0)
    for split, count in (("train", 3), ("test", 2)):
        for name in ("dog", "cat"):
            for number in range(count):
                pixels = generator.integers(0, 256, (6, 5, 3), np.uint8)
                write_image(tmp_path / split / name / f"{number}.png", pixels)
    return tmp_path


def test_image_folder_is_sorted(image_folder):
    dataset = read_image_folder(image_folder)
    assert dataset.class_names == ["cat", "dog"]
    assert dataset.train.images.shape == (6, 6, 5, 3)
    assert dataset.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    expected = np.asarray(Image.open(image_folder / "train" / "dog" / "0.png"))
    assert np.array_equal(dataset.train.images[3:4][0], expected)


@pytest.mark.parametrize("name", [".ipynb_checkpoints", "@eaDir", "__MACOSX", ".hidden"])
def test_hidden_folders_are_no_classes(image_folder, name):
    expected = read_image_folder(image_folder)
    write_image(image_folder / "train" / name / "0.png", np.zeros((9, 9, 3), np.uint8))
    (image_folder / "test" / name).mkdir()
    dataset = read_image_folder(image_folder)
    assert dataset.class_names == ["cat", "dog"]
    assert dataset.train.labels.tolist() == expected.train.labels.tolist()


def test_hidden_files_are_no_images(image_folder):
    for name in ("._0.png", ".DS_Store", "Thumbs.db", ".0.jpg", "@0.png"):
        (image_folder / "train" / "cat" / name).write_bytes(b"no image")
    dataset = read_image_folder(image_folder)
    assert len(dataset.train.labels) == 6
    assert dataset.train.images[0:6].shape == (6, 6, 5, 3)


def test_image_folder_of_grey_images_has_one_channel(tmp_path):
    for split in ("train", "test"):
        write_image(tmp_path / split / "a" / "0.png", np.full((4, 4), 7, np.uint8))
    assert read_image_folder(tmp_path).train.images[:1].shape == (1, 4, 4, 1)


def test_image_folder_refuses_what_does_not_fit(image_folder):
    write_image(image_folder / "train" / "cat" / "z.png", np.zeros((7, 5, 3), np.uint8))
    images = read_image_folder(image_folder).train.images
    with pytest.raises(UserError, match=r"z.png: height, width, channels are \(7, 5, 3\)"):
        images[0:10]
    (image_folder / "train" / "cat" / "z.png").write_text("<html>")
    with pytest.raises(UserError, match=r"z.png: not a PNG or JPEG"):
        read_image_folder(image_folder).train.images[0:10]
    (image_folder / "test" / "bird").mkdir()
    with pytest.raises(UserError, match=r"test split: 'bird' is none of .* \(they are cat, dog\)"):
        read_image_folder(image_folder)


def folder_of(path, image):
    """Make an image folder of copies of one image, a Pillow one or the bytes of a file."""
    for split in ("train", "test"):
        file = path / split / "a" / "0.png"
        file.parent.mkdir(parents=True)
        if isinstance(image, bytes):
            file.write_bytes(image)
        else:
            image.save(file)
    return path


def read_first(path):
    return read_image_folder(path).train.images[0:1]


def test_opacity_is_left_out_of_grey_and_of_colour_images(tmp_path):
    grey = Image.merge("LA", [Image.new("L", (4, 4), value) for value in (7, 99)])
    assert (
        read_first(folder_of(tmp_path / "grey", grey)).tolist() == np.full((1, 4, 4, 1), 7).tolist()
    )
    color = Image.new("RGBA", (4, 4), (1, 2, 3, 99))
    assert read_first(folder_of(tmp_path / "color", color))[0, 0, 0].tolist() == [1, 2, 3]


def test_more_than_8_bits_are_refused_and_not_clipped(tmp_path):
    folder = folder_of(tmp_path, Image.fromarray(np.full((4, 4), 40000, np.uint16)))
    with pytest.raises(UserError, match=r"0.png: has pixels of Pillow's mode I;16 I;16B; allowed"):
        read_first(folder)


def chunk(name, data):
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def test_what_pillow_cannot_read_is_one_line(tmp_path, monkeypatch):
    buffer = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(buffer, "PNG")
    whole = buffer.getvalue()
    place = whole.index(b"IDAT")  # the pixels go on in a second chunk, whose name is no text
    broken = whole[: place - 4] + chunk(b"IDAT", whole[place + 4 : place + 14])
    broken += chunk(b"\x01\x02\x03\x04", b"more")
    with pytest.raises(UserError, match=r"0.png: cannot be decoded \(.*replace it"):
        read_first(folder_of(tmp_path / "broken", broken))
    folder = folder_of(tmp_path / "folder", whole)
    (folder / "train/a/1.png").mkdir()
    with pytest.raises(UserError, match=r"1.png: cannot be read \(.*directory.*remove"):
        read_image_folder(folder)
    (folder / "train/a/1.png").rmdir()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(UserError, match=r"0.png: cannot be read \(.*exceeds limit"):
        read_first(folder)


def test_image_folder_without_a_split(tmp_path):
    (tmp_path / "train/a").mkdir(parents=True)
    with pytest.raises(UserError, match=r"no folder test or val or validation .*; found: train;"):
        read_image_folder(tmp_path)


def test_a_split_is_stored_and_memory_mapped(tmp_path, image_folder):
    split = read_image_folder(image_folder).train
    images_path, labels_path = tmp_path / "i.npy", tmp_path / "l.npy"
    stored = write_split(split, images_path, labels_path)
    images, labels = open_images(images_path), np.load(labels_path)
    assert isinstance(images, np.memmap) and images.dtype == np.uint8
    assert np.array_equal(images, split.images[0:6]) and labels.dtype == np.int64
    assert stored["images"] == 6 and len(stored["sha256"]) == 64
    other = write_split(split._replace(labels=split.labels[::-1]), images_path, labels_path)
    assert other["sha256"] != stored["sha256"]
