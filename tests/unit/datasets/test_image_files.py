"""Encoded images as an array, whatever decodes them."""

import logging

import numpy as np
import pytest
from helpers.hostile_images import PIXELS, chunk, colour, oriented
from PIL import Image
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets import image_files, opened_image
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.image_files import ImageFiles

RESIZED = {"resize": 8, "crop": 8}


@pytest.fixture
def photos(tmp_path):
    """Photos of all sizes, of which one is grey and one is turned."""
    generator = np.random.default_rng(0)
    files = []
    for number in range(23):
        height, width = generator.integers(9, 30, 2)
        pixels = generator.integers(0, 256, (height, width, 3), np.uint8)
        image = Image.fromarray(pixels).convert("L" if number == 5 else "RGB")
        files.append(tmp_path / f"{number:02}.jpg")
        image.save(files[-1], quality=95)
    files[7].write_bytes(oriented(6, size=(20, 12)))
    return files


def test_any_number_of_threads_gives_the_same(photos, caplog):
    references = References.of_files(photos)
    one = ImageFiles(references, RESIZED)
    assert one.shape == (23, 8, 8, 3)
    with caplog.at_level(logging.INFO):
        expected = one[:]
        messages = list(caplog.messages)
        assert "1 images that are grey: three equal channels" in messages and len(messages) == 2
        for threads in (2, 5):
            caplog.clear()
            images = ImageFiles(references, RESIZED, threads)
            assert np.array_equal(images[:], expected) and caplog.messages == messages


def test_it_is_indexed_as_an_array_is(photos):
    images = ImageFiles(References.of_files(photos), RESIZED, threads=2)
    expected = images[:]
    slices = slice(3, 9), slice(0, 23, 5), slice(20, 99)
    for index in (*slices, np.array([7, 0, 7]), np.array([], int)):
        assert np.array_equal(images[index], expected[index])
    assert np.array_equal(images[4], expected[4]) and np.array_equal(images[-1], expected[-1])
    assert len(images) == 23 and images[5:5].shape == (0, 8, 8, 3)


def test_a_png_whose_orientation_stands_behind_its_pixels_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    block = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    end = colour().index(b"IEND") - 4
    file = tmp_path / "0.png"
    file.write_bytes(colour()[:end] + block + colour()[end:])
    images = ImageFiles(References.of_files([file]))
    assert images.shape == (1, 8, 6, 3)
    assert np.array_equal(images[0], PIXELS.transpose(1, 0, 2)[:, ::-1])


@pytest.mark.parametrize("threads", [1, 3])
def test_of_several_mistakes_the_first_is_told(photos, threads):
    for number in (21, 11, 16):
        photos[number].write_text("<html>")
    images = ImageFiles(References.of_files(photos), RESIZED, threads)
    with pytest.raises(UserError, match=r"11.jpg: not a PNG or JPEG image"):
        images[:]
    with pytest.raises(UserError, match=r"11.jpg: not a PNG or JPEG image"):
        list(images.digests())


def test_photos_of_all_sizes_need_a_geometry(photos):
    images = ImageFiles(References.of_files(photos))
    with pytest.raises(UserError, match=r"01.jpg: .*; set dataset.resize or model.preset"):
        images[:]
    images = ImageFiles(References.of_files(photos), {"resize": 8})
    with pytest.raises(UserError, match=r"set dataset.crop, too, so that all have one size"):
        images[:]
    assert ImageFiles(References.of_files(photos), {"resize": [8, 9]})[:].shape == (23, 8, 9, 3)


def test_the_channels_that_were_found_hold_for_other_images(photos):
    references = References.of_files(photos)
    grey = ImageFiles(references[5:6], RESIZED)
    assert grey.shape == (1, 8, 8, 1) and grey.geometry["channels"] == "grey"
    with pytest.raises(UserError, match=r"00.jpg: a colour image among grey ones"):
        ImageFiles(references, grey.geometry)[0]
    color = ImageFiles(references[:1], RESIZED)
    assert ImageFiles(references[5:6], color.geometry).shape == (1, 8, 8, 3)
    asked = ImageFiles(references, {**RESIZED, "channels": "grey"})
    assert asked[:].shape == (23, 8, 8, 1)


def test_pieces_of_a_larger_file_are_images(tmp_path):
    content, start = colour(), 512
    shard = tmp_path / "shard.tar"
    shard.write_bytes(bytes(start) + content + b"more bytes")
    references = References.of([(shard, start, len(content)), (shard, start + 7, len(content))])
    images = ImageFiles(references)
    assert np.array_equal(images[0], PIXELS)
    with pytest.raises(UserError, match=r"shard.tar: byte 519: not a PNG"):
        images[1]
    shard.write_bytes(shard.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"shard.tar: byte 512: has changed .* delete results/data"):
        images[0]


def test_a_file_that_has_changed_is_told(photos):
    images = ImageFiles(References.of_files(photos), RESIZED)
    photos[3].write_bytes(photos[3].read_bytes() + b"x")
    with pytest.raises(UserError, match=r"03.jpg: has changed since the data set was read"):
        images[3]
    photos[4].unlink()
    with pytest.raises(UserError, match=r"04.jpg: cannot be read \(No such file"):
        images[4]


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(opened_image, "MOST_PIXELS", 1000)
    file = tmp_path / "0.png"
    for size, geometry in (((40, 26), RESIZED), ((100, 2), {"resize": 8, "crop": 8})):
        Image.new("RGB", size).save(file)  # the second one is small, and long when it is resized
        references = References.of_files([file])
        with pytest.raises(UserError, match=r"0.png: has \d+ x \d+ pixels.* 1 to 1,000 in all"):
            ImageFiles(references, geometry)
    Image.new("RGB", (33, 30)).save(file)
    assert ImageFiles(References.of_files([file]), RESIZED)[0].shape == (8, 8, 3)


def test_large_photos_are_decoded_one_at_a_time(photos, monkeypatch):
    """And all of them are: the lock is given back, also by one that is damaged."""
    monkeypatch.setattr(image_files, "LARGE", 1)
    photos[2].write_bytes(photos[2].read_bytes()[:-200])
    images = ImageFiles(References.of_files(photos), RESIZED, threads=4)
    with pytest.raises(UserError, match=r"02.jpg"):
        images[:]
    assert images[3:].shape == (20, 8, 8, 3)


def test_digests_are_of_the_files(photos):
    references = References.of_files(photos)
    first = list(ImageFiles(references, RESIZED, threads=3).digests())
    assert len(set(first)) == 23 and first == list(ImageFiles(references, RESIZED).digests())
