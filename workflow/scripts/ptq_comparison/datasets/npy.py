"""NumPy's format `.npy` in pieces: arrays that are larger than memory, or that a file only claims.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np


class Header(NamedTuple):
    """What a `.npy` file says about its array, in C order."""

    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return self.dtype.itemsize * math.prod(self.shape)


def write_npy(path: Path, dtype: Any, shape: tuple[int, ...], pieces: Iterable[np.ndarray]) -> None:
    """Write the bytes that `np.save` would, from pieces along the first axis.

    Not through a memory map: on a full disk, a signal would end the process. Nor by `np.save`,
    which leaves out why a disk does not take all. Raises OSError, with the reason.
    """
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for piece in pieces:
            file.write(np.ascontiguousarray(piece, dtype).data)


def read_header(file: IO[bytes]) -> Header:
    """Read the header, after which the bytes of the array follow; its claims are only claims.

    Raises ValueError for an array of objects, in Fortran order, or of a shape that cannot be.
    """
    version = np.lib.format.read_magic(file)
    if version != (1, 0):  # a header of another one may be 4 GB long
        raise ValueError(f"version {version} of the format; np.save writes plain arrays in (1, 0)")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject:
        raise ValueError("an array of objects, which are never loaded")
    if fortran:
        raise ValueError("in Fortran order; save np.ascontiguousarray(...) of it")
    if min(shape, default=0) < 0:
        raise ValueError(f"shape {shape}")
    return Header(dtype, tuple(map(int, shape)))
