"""Which names can be written to every result."""

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.names import check_name


@pytest.mark.parametrize(
    "name", ["cat", "n01440764", "Straße 7", "می‌خواهم", "猫", "a | b", "a" * 255]
)
def test_names_of_any_language_are_kept(name):
    check_name("images/train: the folder", name)


@pytest.mark.parametrize("name", ["", "a\nb", "a\0", "\udcff", "\x1b[31m", "a\u2028b", "a" * 256])
def test_names_that_cannot_be_written_are_told_in_ascii(name):
    with pytest.raises(UserError, match=r"^images: the folder '.*' has a name.*rename it$") as told:
        check_name("images: the folder", name)
    assert str(told.value).isascii() and str(told.value).isprintable()
