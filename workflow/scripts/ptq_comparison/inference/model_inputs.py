"""Model inputs made from images, a batch at a time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.mapped import drop_pages
from ptq_comparison.inference.ahead import one_ahead
from ptq_comparison.inference.preprocessing import Preprocessing
from ptq_comparison.model.interface_type import Interface

# Images, or bytes, of smaller batches that are made at once.
PIECE, PIECE_BYTES = 64, 4_000_000


class Batch(NamedTuple):
    """The inputs of one call of a model: `images` of them, filled up to `size`."""

    inputs: dict[str, np.ndarray]
    images: int
    size: int


class Chosen:
    """Some of the images of an array, uint8 (N, H, W, C), that are read when they are sliced.

    `indices` are int64 (n,). A memory-mapped array thus stays on the disk.
    """

    def __init__(self, images: Any, indices: np.ndarray) -> None:
        self.base, self._indices = images, indices  # the array that this is a view of
        self.shape = (len(indices), *images.shape[1:])

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: slice) -> np.ndarray:
        chosen: np.ndarray = self.base[self._indices[index]]
        return chosen


@dataclass(frozen=True)
class ModelInputs:
    """Model inputs made from images, uint8 (N, H, W, C), a batch at a time.

    `images` is an array, or anything with `len`, `shape` and slices that are such arrays. What was
    read of a memory map is given back behind each batch.
    A model with a fixed batch size gets exactly that size: the last batch is filled up with
    repetitions of its last image.
    """

    images: Any
    interface: Interface
    preprocessing: Preprocessing
    batch_size: int

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches, made in pieces of at least one, a piece ahead of its use.

        Raises UserError when the preprocessing gives a value that is not finite.
        """
        size = self.interface.batch or self.batch_size
        for piece in one_ahead(self._pieces(size)):
            for start in range(0, len(piece), size):
                batch = piece[start : start + size]
                images = len(batch)
                if self.interface.batch and images < size:
                    batch = np.concatenate([batch, np.repeat(batch[-1:], size - images, axis=0)])
                yield Batch({self.interface.input: batch}, images, len(batch))

    def _pieces(self, size: int) -> Iterator[np.ndarray]:
        """Yield model inputs for as many whole batches as are cheaper to make at once."""
        most = PIECE_BYTES // (4 * math.prod(self.images.shape[1:]))
        step = size * max(1, min(PIECE, most) // size)
        for start in range(0, len(self.images), step):
            piece = self.preprocessing(self.images[start : start + step])
            drop_pages(self.images)
            if not np.isfinite(piece).all():
                raise UserError(
                    "model.scale, model.mean, model.std: an image has values that are not finite "
                    "after them; correct the three"
                )
            yield piece
