"""Model inputs made from images, a batch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.mapped import drop_pages
from ptq_comparison.inference.preprocessing import Preprocessing
from ptq_comparison.model.interface import Interface, read_interface


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
class Batches:
    """Model inputs made from images, uint8 (N, H, W, C), possibly memory-mapped, a batch at a time.

    What was read of a memory map is given back behind each batch.
    A model with a fixed batch size gets exactly that size: the last batch is filled up with
    repetitions of its last image.
    """

    images: Any
    interface: Interface
    preprocessing: Preprocessing
    batch_size: int

    @classmethod
    def of(
        cls,
        images: Any,
        model: onnx.ModelProto,
        preprocessing: dict[str, Any],
        batch_size: int | None,
    ) -> "Batches":
        """Make the batches for a model from the config's `layout`, `scale`, `mean` and `std`.

        Raises UserError where the model takes pixels as they are stored, and these would change
        them.
        """
        interface = read_interface(model, preprocessing["layout"])
        fitted = Preprocessing(
            **{**preprocessing, "layout": interface.layout, "dtype": interface.dtype}
        )
        return cls(images, interface, fitted, batch_size or 32)

    def __iter__(self) -> Iterator[Batch]:
        """Raises UserError when the preprocessing gives a value that is not finite."""
        size = self.interface.batch or self.batch_size
        for start in range(0, len(self.images), size):
            batch = self.preprocessing(self.images[start : start + size])
            drop_pages(self.images)
            if not np.isfinite(batch).all():
                raise UserError(
                    "model.scale, model.mean, model.std: an image has values that are not finite "
                    "after them; correct the three"
                )
            images = len(batch)
            if self.interface.batch and images < size:
                batch = np.concatenate([batch, np.repeat(batch[-1:], size - images, axis=0)])
            yield Batch({self.interface.input: batch}, images, len(batch))
