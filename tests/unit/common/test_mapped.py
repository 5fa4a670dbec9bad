"""Arrays of which a piece is in memory at a time."""

from pathlib import Path

import numpy as np
import pytest
from ptq_comparison.common import mapped
from ptq_comparison.common.mapped import drop_pages, map_npz, pieces, scratch_array, write_npz

ROWS = np.random.default_rng(0).integers(0, 1000, (3000, 500))


def mapped_bytes(path):
    """Return the bytes of a file that are in this process."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    places = [number for number, line in enumerate(lines) if line.endswith(str(path))]
    rss = [next(line for line in lines[place:] if line.startswith("Rss:")) for place in places]
    return sum(1024 * int(line.split()[1]) for line in rss)


def test_pages_that_were_read_are_given_back(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, ROWS)
    array = np.load(path, mmap_mode="r")
    view = array[10:][::2]
    assert np.array_equal(view, ROWS[10::2])
    assert mapped_bytes(path) > ROWS.nbytes / 2
    drop_pages(view)
    assert mapped_bytes(path) < ROWS.nbytes / 100
    assert np.array_equal(array, ROWS)


def test_an_array_in_memory_keeps_its_values():
    array = ROWS.copy()
    drop_pages(array[5:])
    drop_pages(object())
    assert np.array_equal(array, ROWS)


def test_pieces_are_the_array(tmp_path):
    np.save(tmp_path / "a.npy", ROWS)
    found = list(pieces(np.load(tmp_path / "a.npy", mmap_mode="r")))
    assert len(found) > 2 and np.array_equal(np.concatenate(found), ROWS)
    assert list(pieces(np.empty((0, 3)))) == []


@pytest.mark.parametrize("in_memory", [2**30, 0])
def test_a_scratch_array_keeps_what_is_written(monkeypatch, in_memory):
    monkeypatch.setattr(mapped, "IN_MEMORY", in_memory)
    array = scratch_array(ROWS.shape, ROWS.dtype)
    assert isinstance(array, np.memmap) == (in_memory == 0)
    for start in range(0, len(ROWS), 700):
        array[start : start + 700] = ROWS[start : start + 700]
        drop_pages(array)
    assert np.array_equal(array, ROWS)
    assert scratch_array((0, 4), np.float32).shape == (0, 4)


def test_an_archive_has_the_bytes_of_numpy(tmp_path):
    arrays = {"scores": ROWS, "labels": ROWS[:, 0], "none": np.empty((0, 2), np.float32)}
    write_npz(tmp_path / "own.npz", arrays)
    np.savez(tmp_path / "numpy.npz", **arrays)
    assert (tmp_path / "own.npz").read_bytes() == (tmp_path / "numpy.npz").read_bytes()
    found = map_npz(tmp_path / "own.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)
