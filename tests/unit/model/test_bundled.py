"""The text of the bundled model is that model, and a damaged one is told."""

import base64
import hashlib

import pytest
from helpers import REPOSITORY
from ptq_comparison.common.errors import UserError
from ptq_comparison.model.bundled import BUNDLED_FILE, BUNDLED_SHA256, decode_bundled


def test_it_is_the_model_of_its_card():
    content = decode_bundled()
    assert hashlib.sha256(content).hexdigest() == BUNDLED_SHA256
    card = (REPOSITORY / "workflow/resources/resnet8_shapes.md").read_text()
    assert BUNDLED_SHA256 in card and f"{len(content):,} bytes" in card


def test_the_repository_holds_it_as_text():
    """Snakemake reads the files of a deployed workflow as UTF-8, and drops the last line end."""
    BUNDLED_FILE.read_text("utf-8")
    for path in (REPOSITORY / "workflow").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            path.read_text("utf-8")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_line_ends_do_not_matter(tmp_path, end):
    text = tmp_path / "model.base64"
    text.write_bytes(end.join(BUNDLED_FILE.read_bytes().split()))
    assert hashlib.sha256(decode_bundled(text)).hexdigest() == BUNDLED_SHA256


def test_a_damaged_text_is_told(tmp_path):
    text = tmp_path / "model.base64"
    other = bytearray(decode_bundled())
    other[1000] ^= 1
    text.write_bytes(base64.encodebytes(other))
    with pytest.raises(UserError, match=f"holds [0-9a-f]+ instead of {BUNDLED_SHA256}; get the"):
        decode_bundled(text)
    text.write_bytes(BUNDLED_FILE.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"model\.base64: (is no base64|holds)"):
        decode_bundled(text)
    text.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        decode_bundled(text)
