"""NumPy's format in pieces: the same bytes as NumPy's own."""

import errno
import io
from pathlib import Path

import numpy as np
import pytest
from ptq_comparison.datasets.npy import read_header, write_npy

ARRAYS = [
    np.arange(24, dtype=np.uint8).reshape(4, 3, 2),
    np.arange(5),
    np.zeros((0, 32, 32, 3), np.uint8),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.ones((12_345, 1), np.int64),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.shape))
@pytest.mark.parametrize("step", [1, 2, 20_000])
def test_the_bytes_are_those_of_np_save(tmp_path, array, step):
    pieces = (array[start : start + step] for start in range(0, len(array), step))
    write_npy(tmp_path / "pieces.npy", array.dtype, array.shape, pieces)
    np.save(tmp_path / "whole.npy", np.ascontiguousarray(array))
    assert (tmp_path / "pieces.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    with (tmp_path / "pieces.npy").open("rb") as file:
        header = read_header(file)
        assert header == (array.dtype, array.shape) and header.size == array.nbytes
        assert len(file.read()) == array.nbytes


def test_a_memory_map_has_the_same_bytes(tmp_path):
    mapped = np.lib.format.open_memmap(tmp_path / "mapped.npy", "w+", np.uint8, (4, 3, 2))
    mapped[:] = ARRAYS[0]
    mapped.flush()
    write_npy(tmp_path / "pieces.npy", np.uint8, (4, 3, 2), [ARRAYS[0]])
    assert (tmp_path / "pieces.npy").read_bytes() == (tmp_path / "mapped.npy").read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_an_error_with_its_reason():
    with pytest.raises(OSError) as raised:
        write_npy(Path("/dev/full"), np.uint8, (1, 100_000), [np.zeros((1, 100_000), np.uint8)])
    assert raised.value.errno == errno.ENOSPC


@pytest.mark.parametrize(
    ("array", "version", "message"),
    [
        (np.array([{}]), (1, 0), "objects"),
        (np.asfortranarray(np.zeros((2, 3))), (1, 0), "order; save np.ascontiguousarray"),
        (np.zeros(3), (2, 0), r"version \(2, 0\)"),
    ],
)
def test_other_arrays_are_refused(array, version, message):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    file.seek(0)
    with pytest.raises(ValueError, match=message):
        read_header(file)
