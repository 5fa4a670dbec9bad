"""The table of data sets."""

from pathlib import Path

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.readers import read_dataset


def test_unknown_data_set_names_the_allowed_ones():
    with pytest.raises(UserError, match=r"'mnist'.*allowed: shapes, .* cifar10, image_folder, npz"):
        read_dataset("mnist", Path("somewhere"))
