"""The grids that a quantized model rounds its activations to."""

from typing import NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

# Index of the input with the scale of the output; the next input is its zero point.
OUTPUT_SCALE_INDEX = {
    "QLinearConv": 6,
    "QLinearMatMul": 6,
    "QGemm": 7,
    "QLinearAdd": 6,
    "QLinearMul": 6,
    "QLinearConcat": 0,
    "QLinearWhere": 7,
    # Operators of one input
    "QLinearAveragePool": 3,
    "QLinearGlobalAveragePool": 3,
    "QLinearLeakyRelu": 3,
    "QLinearSigmoid": 3,
    "QLinearSoftmax": 3,
}
# What onnxruntime appends to the name of a float tensor.
ONNXRUNTIME_SUFFIXES = ("_QuantizeLinear_Input", "_quantized")
MERGED_ACTIVATIONS = (
    "Relu",
    "Clip",
)  # into the operator before them, by a grid that ends where they cut


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
    constants = {i.name: i for i in model.graph.initializer}
    known = {value.name for value in float_model.graph.input}
    known |= {output for node in float_model.graph.node for output in node.output}
    kept = {node.output[0] for node in model.graph.node if node.op_type in MERGED_ACTIVATIONS}
    merged = {
        node.input[0]: node.output[0]
        for node in float_model.graph.node
        if node.op_type in MERGED_ACTIVATIONS and node.output[0] not in kept
    }
    grids = {}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            name, names = node.input[0], node.input[1:3]
        elif node.op_type in OUTPUT_SCALE_INDEX:
            place = OUTPUT_SCALE_INDEX[node.op_type]
            name, names = node.output[0], node.input[place : place + 2]
        else:
            continue
        originals = [name, *(name.removesuffix(suffix) for suffix in ONNXRUNTIME_SUFFIXES)]
        name = next((original for original in originals if original in known), "")
        while name in merged:
            name = merged[name]
        if name and len(names) == 2:  # weights have no such name, and a QGemm may give float32
            grids[name] = _make_grid(*(numpy_helper.to_array(constants[n]) for n in names))
    return grids


def _make_grid(scale: np.ndarray, zero_point: np.ndarray) -> Grid:
    limits = np.iinfo(zero_point.dtype)
    lowest, highest = int(limits.min), int(limits.max)
    return Grid(scale.item(), zero_point.item() - lowest, highest - lowest + 1)
