"""Scores in a file of predictions, a part at a time: those of 50,000 images fill the memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ptq_comparison.common.mapped import drop_pages, map_npz

BLOCK_VALUES = 2**18  # scores that are read at once


@dataclass(frozen=True)
class StoredScores:
    """The array `scores`, (N, classes), of an `.npz` file that rule predict has written."""

    path: Path

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the rows in their order, blocks of (rows, classes)."""
        scores = map_npz(self.path)["scores"]
        rows = math.ceil(BLOCK_VALUES / scores.shape[1])
        for start in range(0, len(scores), rows):
            yield np.asarray(scores[start : start + rows])
            drop_pages(scores)
