"""From stored pixels to model input: the one function for calibration and evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ptq_comparison.common.errors import UserError

# By the names of the ONNX operators that compute the same.
OPERATORS = {"Mul": np.multiply, "Div": np.divide, "Sub": np.subtract}


@dataclass(frozen=True)
class Preprocessing:
    """`(pixel * scale - mean) / std`, channels and axes in the order of the model.

    `mean` and `std` are one number, or one a channel of the model, in units of the scaled pixel.
    `channels` is RGB, as pixels are stored, or BGR. With `dtype`
    uint8, for a model that takes stored pixels and scales them itself, they stay as they are.
    """

    layout: str = "NHWC"
    scale: float = 1.0
    mean: float | Sequence[float] = 0.0
    std: float | Sequence[float] = 1.0
    channels: str = "RGB"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        """Raise UserError for uint8 with values that would change the pixels."""
        changes = self.scale != 1 or np.any(np.not_equal(self.mean, 0))
        if self.dtype == "uint8" and (changes or np.any(np.not_equal(self.std, 1))):
            raise UserError(
                "model.scale, model.mean, model.std: the model takes uint8 pixels and scales them "
                "itself; set model.scale to 1, model.mean to 0 and model.std to 1"
            )

    def steps(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield what is computed with pixels of float32, in order: the operators, by ONNX's names,
        and their second operands, float32 () or (C,). Steps that change nothing are left out."""
        # As the libraries compute it, to the last bit: they divide by 255 or 127.5.
        scaled = ("Div", 1 / self.scale) if (2 / self.scale).is_integer() else ("Mul", self.scale)
        for operator, value in (scaled, ("Sub", self.mean), ("Div", self.std)):
            if np.any(np.not_equal(value, 0 if operator == "Sub" else 1)):
                # One value for each of the channels and one for all are computed with alike.
                yield operator, np.squeeze(np.asarray(value, np.float32))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Turn images, uint8 (N, H, W, C), into (N, H, W, C) or (N, C, H, W) of the own dtype.

        Raises UserError when `mean` or `std` has a length other than 1 or C.
        """
        channels = images.shape[-1]
        for key, value in (("mean", self.mean), ("std", self.std)):
            if np.size(value) not in (1, channels):
                raise UserError(
                    f"model.{key}: {np.size(value)} values for images of {channels} channels; "
                    f"give one number, or one a channel"
                )
        pixels = images[..., ::-1] if self.channels == "BGR" else images
        if self.layout == "NCHW":
            pixels = pixels.transpose(0, 3, 1, 2)
        if self.dtype == "uint8":
            return np.ascontiguousarray(pixels)
        # In place, and with long rows to repeat the values of the channels over: ten times as fast.
        result = rows = pixels.astype(np.float32, order="C")
        if self.layout == "NHWC":
            rows = result.reshape(*result.shape[:2], -1)
        for operator, operand in self.steps():
            if operand.ndim:
                by_channel = operand.reshape(channels, 1, 1)
                operand = by_channel if self.layout == "NCHW" else np.tile(operand, result.shape[2])
            OPERATORS[operator](rows, operand, out=rows)
        return result
