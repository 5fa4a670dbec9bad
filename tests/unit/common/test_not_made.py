"""Markers in place of what could not be made."""

import json

import pytest
from ptq_comparison.common.not_made import (
    read_not_made,
    summarize_not_made,
    write_not_made,
)


@pytest.mark.parametrize("suffix", [".onnx", ".npz", ".json", ".csv"])
def test_a_marker_gives_its_reason_back(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"half-written")
    write_not_made(path, 'node "ä":\n  broken')
    assert read_not_made(path) == 'node "ä": broken'
    assert json.loads(path.read_text()) == {"not_made": 'node "ä": broken'}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b'{"model": {}}', b"rank,node\n"]
)
def test_other_files_are_no_markers(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert read_not_made(tmp_path / "a") is None
    assert read_not_made(tmp_path) is None


def test_recipes_of_one_reason_are_named_together():
    assert summarize_not_made({}, 3) == ""
    reasons = {"a": "too wide", "b": "no kernel", "c": "too wide"}
    assert summarize_not_made(reasons, 7) == (
        "3 of 7 recipes could not be made: a, c (too wide); b (no kernel)."
    )
