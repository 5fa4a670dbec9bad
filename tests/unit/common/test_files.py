"""Files that are either whole or absent."""

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import (
    atomic_path,
    check_sha256,
    read_json,
    sha256_file,
    write_json,
)


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "result.json"
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with atomic_path(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole" and len(list(tmp_path.iterdir())) == 1


def test_a_failure_keeps_the_former_file(tmp_path):
    write_json(tmp_path / "a.json", {"top1": 0.5})
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"top1": float("nan")})
    assert read_json(tmp_path / "a.json") == {"top1": 0.5}


def test_sums(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    assert sha256_file(path) == abc
    check_sha256(path, abc, key="dataset.sha256")
    with pytest.raises(UserError, match=r"dataset.sha256: .*/a has ba78.* instead of 0000"):
        check_sha256(path, "0" * 64, key="dataset.sha256")
