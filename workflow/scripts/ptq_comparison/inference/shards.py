"""A share of the images, which a job of its own predicts."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ptq_comparison.inference.batches import Batches


@dataclass(frozen=True)
class Part:
    """The images of `base` from `start` to `stop`, which are read when they are sliced."""

    base: Any  # the array that this is a view of
    start: int
    stop: int

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, C)."""
        return (len(self), *self.base.shape[1:])

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, index: slice) -> np.ndarray:
        start, stop, step = index.indices(len(self))
        part: np.ndarray = self.base[self.start + start : self.start + stop : step]
        return part


def share(batches: Batches, number: int, count: int) -> tuple[Batches, slice]:
    """Return the batches of shard `number` of `count`, from 1 on, and which images they hold.

    A shard gets whole batches, the same as a job for all images: what a kernel computes for an
    image may depend on the size of the batch. With more shards than batches, some are empty.
    """
    size, total = batches.interface.batch or batches.batch_size, len(batches.images)
    whole = -(-total // size)
    start, stop = (min(total, size * (whole * n // count)) for n in (number - 1, number))
    return replace(batches, images=Part(batches.images, start, stop)), slice(start, stop)
