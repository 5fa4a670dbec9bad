"""Arrays that may be larger than memory, in files of which the process holds a piece at a time."""

import mmap
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

IN_MEMORY = 2**24  # bytes of an array that is not worth a file
PIECE_WRITTEN = 2**22  # bytes that are written at once
LOCAL_HEADER, NAME_LENGTH = 30, 26  # of a member of a zip archive: bytes, and where two lengths are


def drop_pages(array: Any) -> None:
    """Let the process give back what it has read or written of a memory-mapped array, or of a view.

    Otherwise all of that counts as its memory, up to the size of the file. The pages stay in the
    cache of the system, so that reading them again is cheap. Other arrays stay as they are.
    """
    while array is not None and not isinstance(array, mmap.mmap):
        array = getattr(array, "base", None)
    if array is not None and hasattr(mmap, "MADV_DONTNEED"):
        array.madvise(mmap.MADV_DONTNEED)


def scratch_array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array to be filled, in a temporary file where it is large.

    Raises OSError where the disk has no room: without, a signal would end the process later.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:  # the map keeps it
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return np.memmap(file, dtype, "r+", shape=shape)


def pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array in pieces along its first axis, and forget each."""
    step = max(1, PIECE_WRITTEN * len(array) // max(array.nbytes, 1))
    for start in range(0, len(array), step):
        yield array[start : start + step]
        drop_pages(array)


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the bytes that `np.savez` would, of arrays with at least one axis, piece by piece."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            header = np.lib.format.header_data_from_array_1_0(array)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                for piece in pieces(array):
                    member.write(np.ascontiguousarray(piece).data)


def map_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file of `write_npz`, memory-mapped."""
    arrays: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for info in archive.infolist():
            file.seek(info.header_offset + NAME_LENGTH)
            lengths = np.frombuffer(file.read(4), "<u2").sum()
            file.seek(info.header_offset + LOCAL_HEADER + int(lengths))
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            name = info.filename.removesuffix(".npy")
            if 0 in shape:  # which cannot be mapped
                arrays[name] = np.empty(shape, dtype)
            else:
                arrays[name] = np.memmap(path, dtype, "r", file.tell(), shape)
    return arrays
