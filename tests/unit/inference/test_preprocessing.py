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
