"""Resizing, cropping and padding, to the pixel."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps
from ptq_comparison.datasets.geometry import Geometry

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8)
IMAGE = Image.fromarray(PIXELS)


def pixels(image=IMAGE, mode="RGB", **geometry):
    return Geometry(**geometry).pixels(image, mode)


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [
        ((9, 14), 6, (6, 9)),  # 9.33
        ((14, 9), 6, (9, 6)),
        ((9, 9), 6, (6, 6)),
        ((480, 640), 256, (256, 341)),
        ((640, 427), 256, (383, 256)),
        ((9, 14), [5, 3], (5, 3)),
        ((9, 14), None, (9, 14)),
    ],
)
def test_sizes_follow_the_rule_of_torchvision(size, resize, expected):
    assert Geometry(resize=resize).resized(size) == expected
    assert Geometry(resize=resize).size(size) == expected
    assert Geometry(resize=resize, crop=4).size(size) == (4, 4)
    assert Geometry(resize=resize, crop=[2, 3]).size(size) == (2, 3)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_pixels_are_resized_as_pillow_does(interpolation):
    method = Image.Resampling[interpolation.upper()]
    expected = np.asarray(IMAGE.resize((7, 5), method))
    assert np.array_equal(pixels(resize=[5, 7], interpolation=interpolation), expected)


@pytest.mark.parametrize(
    ("centre", "crop", "top", "left"),
    [
        ("round", [4, 4], 2, 5),  # 2.5 and 5: to the even number
        ("round", [2, 7], 4, 4),  # 3.5 and 3.5
        ("floor", [2, 7], 3, 3),
        ("round", [9, 14], 0, 0),
    ],
)
def test_the_centre_is_cut_out(centre, crop, top, left):
    expected = PIXELS[top : top + crop[0], left : left + crop[1]]
    assert np.array_equal(pixels(crop=crop, centre=centre), expected)


@pytest.mark.parametrize(("centre", "top"), [("round", 1), ("floor", 2)])
def test_a_small_image_is_filled_up_with_zeros(centre, top):
    found = pixels(crop=[12, 4], centre=centre)
    assert found.shape == (12, 4, 3)
    assert np.array_equal(found[top : top + 9], PIXELS[:, 5:9])
    assert not found[:top].any() and not found[top + 9 :].any()


def test_padding_keeps_the_ratio_of_the_sides():
    found = pixels(resize=[12, 12], pad=114)
    expected = ImageOps.pad(IMAGE, (12, 12), Image.Resampling.BILINEAR, (114, 114, 114))
    assert np.array_equal(found, np.asarray(expected))
    assert (found[0] == 114).all() and (found[-1] == 114).all() and (found[6] != 114).any()
    assert (pixels(mode="L", resize=[12, 12], pad=7)[0] == 7).all()


def test_an_image_is_turned_before_anything_else():
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    IMAGE.save(file, "PNG", exif=exif)
    turned = Image.open(file)
    upright = IMAGE.transpose(Image.Transpose.ROTATE_270)
    expected = np.asarray(upright.resize((6, 9), Image.Resampling.BICUBIC).crop((0, 2, 6, 6)))
    assert pixels(turned, resize=6, crop=[4, 6]).shape == (4, 6, 3)
    assert np.array_equal(
        pixels(turned, resize=[9, 6], crop=[4, 6], interpolation="bicubic"), expected
    )


def test_grey_is_of_one_channel_and_colour_of_three():
    assert np.array_equal(pixels(mode="L")[..., 0], np.asarray(IMAGE.convert("L")))
    grey = pixels(IMAGE.convert("L"))
    assert grey.shape == (9, 14, 3) and (grey == grey[..., :1]).all()


def test_keys_that_are_not_its_own_do_not_count():
    assert Geometry.of({"crop": 4, "fit": "crop"}) == Geometry(crop=4)
    assert Geometry.of(None) == Geometry()
