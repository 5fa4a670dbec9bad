"""The grids that a quantized model rounds its activations to."""

from typing import NamedTuple

import numpy as np
import onnx

from ptq_comparison.quantization.channels_last import PREFIX
from ptq_comparison.quantization.stored_tensors import (
    OUTPUT_SCALE_INDEX,
    merged_activations,
    only_before,
    stored_tensors,
)


class Grid(NamedTuple):
    """The values scale * (level - zero), where a level is one of 0 to size - 1."""

    scale: float
    zero: int
    size: int

    @property
    def low(self) -> float:
        """The value of the lowest level."""
        return self.scale * -self.zero

    @property
    def high(self) -> float:
        """The value of the highest level."""
        return self.scale * (self.size - 1 - self.zero)

    def unclipped_levels(self, values: np.ndarray) -> np.ndarray:
        """Return where QuantizeLinear rounds values to, before it cuts levels off the grid."""
        return np.rint(values / self.scale) + self.zero


def stored_grids(model: onnx.ModelProto, float_model: onnx.ModelProto) -> dict[str, Grid]:
    """Return the grid of each activation tensor that a quantized model stores, by its name in the
    float32 model that it was made from.

    Tensors that integer operators pass on as they are, MaxPool for instance, are left out.
    """
    skipped = {i.name for i in float_model.graph.initializer}
    skipped |= only_before(
        float_model, {node.output[0] for node in merged_activations(float_model, model)}
    )
    rounding = {
        node.output[0]
        for node in model.graph.node
        if node.op_type == "QuantizeLinear" or node.op_type in OUTPUT_SCALE_INDEX
    }
    rounding.update(value.name for value in model.graph.input)  # pixels, which are rounded before
    rounding.update(n.output[0] for n in model.graph.node if n.name.startswith(PREFIX))
    return {
        name: _make_grid(held.scale, held.zero_point)
        for name, held in stored_tensors(float_model, model).items()
        if name not in skipped
        and held.levels in rounding
        and held.scale is not None
        and held.zero_point is not None
        and held.scale.size == 1
    }


def _make_grid(scale: np.ndarray, zero_point: np.ndarray) -> Grid:
    limits = np.iinfo(zero_point.dtype)
    lowest, highest = int(limits.min), int(limits.max)
    return Grid(scale.item(), zero_point.item() - lowest, highest - lowest + 1)
