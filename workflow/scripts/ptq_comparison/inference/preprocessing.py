"""From stored pixels to model input: the one function for calibration and evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ptq_comparison.common.errors import UserError


@dataclass(frozen=True)
class Preprocessing:
    """`(pixel * scale - mean) / std`, then the axes in the order of the model.

    `mean` and `std` are one number, or one a channel, in units of the scaled pixel.
    """

    layout: str = "NHWC"
    scale: float = 1.0
    mean: float | Sequence[float] = 0.0
    std: float | Sequence[float] = 1.0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Turn images, uint8 (N, H, W, C), into float32 (N, H, W, C) or (N, C, H, W).

        Raises UserError when `mean` or `std` has a length other than 1 or C.
        """
        channels = images.shape[-1]
        for key, value in (("mean", self.mean), ("std", self.std)):
            if np.size(value) not in (1, channels):
                raise UserError(
                    f"model.{key}: {np.size(value)} values for images of {channels} channels; "
                    f"give one number, or one a channel"
                )
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        normalized = (images.astype(np.float32) * np.float32(self.scale) - mean) / std
        if self.layout == "NCHW":
            return np.ascontiguousarray(normalized.transpose(0, 3, 1, 2))
        return np.asarray(normalized)
