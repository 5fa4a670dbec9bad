"""From the pixels to the input of a model."""

import numpy as np
import pytest
from helpers import make_images
from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.preprocessing import Preprocessing

IMAGES, LABELS = make_images(53, seed=3)


def test_default_preprocessing_keeps_raw_pixels():
    result = Preprocessing()(IMAGES)
    assert result.dtype == np.float32 and np.array_equal(result, IMAGES)


def test_scale_mean_and_std_by_channel_and_layout():
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.3, 0.4]
    result = Preprocessing("NCHW", 1 / 255, mean, std)(IMAGES)
    expected = (IMAGES[4, 5, 6, 2] / 255 - 0.6) / 0.4
    assert result.shape == (53, 3, 8, 8) and result.flags.c_contiguous
    assert result[4, 2, 5, 6] == pytest.approx(expected, rel=1e-5)


def test_wrong_number_of_means_names_the_key():
    with pytest.raises(UserError, match=r"model.std: 2 values for images of 3 channels"):
        Preprocessing(std=[1.0, 2.0])(IMAGES)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_a_model_that_scales_pixels_itself_gets_them_as_they_are(layout):
    result = Preprocessing(layout, dtype="uint8")(IMAGES)
    expected = IMAGES if layout == "NHWC" else IMAGES.transpose(0, 3, 1, 2)
    assert result.dtype == np.uint8 and result.flags.c_contiguous
    assert np.array_equal(result, expected)
    Preprocessing(layout, 1, [0, 0, 0], [1.0, 1.0, 1.0], "uint8")  # the same as the defaults


@pytest.mark.parametrize("given", [{"scale": 1 / 255}, {"mean": [0, 0, 0.4]}, {"std": 0.2}])
def test_other_values_for_such_a_model_are_refused(given):
    Preprocessing(**given)
    with pytest.raises(UserError, match=r"takes uint8 pixels and scales them itself; set model.sc"):
        Preprocessing(**given, dtype="uint8")


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
@pytest.mark.parametrize("scale", [1 / 255, 1 / 127.5, 0.017, 1])
def test_values_are_those_of_the_libraries_to_the_last_bit(layout, channels, scale):
    mean, std = np.float32([0.4, 0.5, 0.6]), np.float32([0.2, 0.3, 0.4])
    found = Preprocessing(layout, scale, mean.tolist(), std.tolist(), channels)(IMAGES)
    pixels = (IMAGES if channels == "RGB" else IMAGES[..., ::-1]).astype(np.float32)
    divisor = {1 / 255: 255, 1 / 127.5: 127.5}.get(scale)
    scaled = pixels / np.float32(divisor) if divisor else pixels * np.float32(scale)
    expected = (scaled - mean) / std
    if layout == "NCHW":
        expected = expected.transpose(0, 3, 1, 2)
    assert np.array_equal(found, expected) and found.flags.c_contiguous
