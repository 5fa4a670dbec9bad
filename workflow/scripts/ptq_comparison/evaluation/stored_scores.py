"""Scores in a file of predictions, a part at a time: those of 50,000 images fill the memory."""

import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BLOCK_VALUES = 2**18  # scores that are read at once


@dataclass(frozen=True)
class StoredScores:
    """The array `scores`, (N, classes), of an `.npz` file that rule predict has written."""

    path: Path

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the rows in their order, blocks of (rows, classes)."""
        with zipfile.ZipFile(self.path) as archive, archive.open("scores.npy") as file:
            np.lib.format.read_magic(file)
            (count, classes), _, dtype = np.lib.format.read_array_header_1_0(file)
            rows = math.ceil(BLOCK_VALUES / classes)
            for start in range(0, count, rows):
                size = min(rows, count - start) * classes
                yield np.frombuffer(file.read(size * dtype.itemsize), dtype).reshape(-1, classes)
