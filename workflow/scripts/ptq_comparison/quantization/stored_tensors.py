"""Where a quantized model holds the tensors of the float32 model, and on which grids.

QDQ and QOperator models are read alike: each tensor is found by the names that onnxruntime makes
up, each grid by the operators that write or read it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import onnx
from onnxruntime.quantization.quant_utils import (
    DEQUANT_OUTPUT_SUFFIX,
    QUANT_INPUT_SUFFIX,
    TENSOR_NAME_QUANT_SUFFIX,
)

from ptq_comparison.model.graph import attribute
from ptq_comparison.model.layers import constants

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
TWO_INPUTS = ("QLinearConv", "QLinearMatMul", "QGemm", "QLinearAdd", "QLinearMul")
BIAS_INDEX = {"QLinearConv": 8, "QGemm": 6}
# onnxruntime merges them into the operator before, by a grid that ends where they cut.
MERGED_ACTIVATIONS = ("Relu", "Clip")
SPLIT_SUFFIX = "quantized"
HALF_STEP = 0.5  # what rounding to a grid explains, in steps
# Relative rounding of a value that is computed in float32 with a scale of float32.
ROUNDING = 4 * float(np.finfo(np.float32).eps)


class Stored(NamedTuple):
    """A tensor of the quantized model that stands for one of the float32 model.

    Its values are scale * (level - zero_point), with one number or one a channel along `axis`; both
    are None for a tensor that is float32. `levels` is the integer tensor, `tensor` the float32 one,
    or None where the model has only the levels.
    """

    tensor: str | None
    levels: str | None = None
    scale: np.ndarray | None = None
    zero_point: np.ndarray | None = None
    axis: int = 0

    @property
    def ends(self) -> tuple[float, float]:
        """The values of the lowest and the highest level of a grid for the whole tensor."""
        assert self.scale is not None and self.zero_point is not None
        limits = np.iinfo(self.zero_point.dtype)
        zero, scale = int(self.zero_point.item()), float(self.scale.item())
        return scale * (int(limits.min) - zero), scale * (int(limits.max) - zero)


class Scales(NamedTuple):
    """The grid of an integer tensor: one number, or one a channel along `axis`."""

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int


def stored_tensors(float_model: onnx.ModelProto, quantized: onnx.ModelProto) -> dict[str, Stored]:
    """Return what stands for each tensor and constant of the float32 model, by its name.

    Tensors that the quantized model does not have are left out, such as those between a convolution
    and a ReLU that onnxruntime has merged.
    """
    scales = stored_scales(quantized)
    dequantize = {
        node.output[0]: node for node in quantized.graph.node if node.op_type == "DequantizeLinear"
    }
    known = {value.name for value in quantized.graph.input}
    known.update(i.name for i in quantized.graph.initializer)
    known.update(name for node in quantized.graph.node for name in node.output)

    def find(name: str) -> Stored | None:
        for tensor in (name + DEQUANT_OUTPUT_SUFFIX, name):
            if tensor in dequantize:
                levels = dequantize[tensor].input[0]
                return Stored(tensor, levels, *scales[levels])
        # The last one is an input of pixels.
        for levels in (name + TENSOR_NAME_QUANT_SUFFIX, name + SPLIT_SUFFIX, name):
            if levels in scales:
                return Stored(None, levels, *scales[levels])
        return Stored(name) if name in known else None

    found: dict[str, Stored] = {}
    names = [value.name for value in float_model.graph.input]
    names += [i.name for i in float_model.graph.initializer]
    for name in dict.fromkeys(names):
        if stored := find(name):
            found[name] = stored
    for node in float_model.graph.node:
        for name in filter(None, node.output):
            stored = find(name)
            if stored is None and node.op_type in MERGED_ACTIVATIONS:
                stored = found.get(node.input[0])
            if stored:
                found[name] = stored
    return found


def merged_activations(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto
) -> Iterator[onnx.NodeProto]:
    """Yield the activations that the quantized model does without."""
    kept = {
        name.removesuffix(QUANT_INPUT_SUFFIX)
        for node in quantized.graph.node
        if node.op_type in MERGED_ACTIVATIONS
        for name in node.output
    }
    for node in float_model.graph.node:
        if node.op_type in MERGED_ACTIVATIONS and node.output[0] not in kept:
            yield node


def only_before(model: onnx.ModelProto, merged_outputs: set[str]) -> set[str]:
    """Return tensors that only a merged activation reads: the grid holds what is behind it."""
    readers: dict[str, set[str]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.output[0])
    outputs = {value.name for value in model.graph.output}
    return {n for n, found in readers.items() if found <= merged_outputs and n not in outputs}


def dequantize(levels: np.ndarray, stored: Stored | Scales) -> np.ndarray:
    """Return the values of levels as float32 of the same shape."""
    assert stored.scale is not None and stored.zero_point is not None
    shape = [1] * levels.ndim
    if stored.scale.size > 1:
        shape[stored.axis] = -1
    scale, zero_point = stored.scale.reshape(shape), stored.zero_point.reshape(shape)
    values = (levels.astype(np.float64) - zero_point) * scale.astype(np.float64)
    return np.asarray(values, np.float32)


def stored_scales(model: onnx.ModelProto) -> dict[str, Scales]:
    """Return the grid of each integer tensor, from the operators that read or write it."""
    arrays = constants(model)
    found: dict[str, Scales] = {}

    def add(levels: str, names: list[str], axis: int) -> None:
        if levels and names and names[0] in arrays:
            scale = arrays[names[0]]
            zero = arrays[names[1]] if len(names) > 1 and names[1] else np.zeros((), np.uint8)
            found.setdefault(levels, Scales(scale, zero, axis))

    for node in model.graph.node:
        names = list(node.input)
        kind = node.op_type
        if kind == "QuantizeLinear":
            add(node.output[0], names[1:3], attribute(node, "axis", 1))
        elif kind == "DequantizeLinear":
            add(names[0], names[1:3], attribute(node, "axis", 1))
        elif kind in OUTPUT_SCALE_INDEX:
            place = OUTPUT_SCALE_INDEX[kind]
            add(node.output[0], names[place : place + 2], 0)
            for start, axis in input_places(node):
                add(names[start], names[start + 1 : start + 3], axis)
            bias = BIAS_INDEX.get(kind, len(names))
            if bias < len(names) and names[bias] and names[1] in arrays and names[4] in arrays:
                found.setdefault(names[bias], bias_scales(node, arrays))
        elif names and names[0] in found:  # an operator that passes integers on
            for output in node.output:
                found.setdefault(output, found[names[0]])
            if kind == "Pad" and len(names) > 2 and names[2]:
                found.setdefault(names[2], found[names[0]])
    return _with_pixels(model, found)


def _with_pixels(model: onnx.ModelProto, found: dict[str, Scales]) -> dict[str, Scales]:
    """Add the grid of an input of pixels that only a Transpose reads, and that behind it."""
    for node in reversed(model.graph.node):
        if node.op_type == "Transpose" and node.output[0] in found:
            found.setdefault(node.input[0], found[node.output[0]])
    return found


def bias_scales(node: onnx.NodeProto, arrays: Mapping[str, np.ndarray]) -> Scales:
    """Return the grid of the bias of a QLinear operator: it is added to sums of products."""
    scale = arrays[node.input[1]] * arrays[node.input[4]] * attribute(node, "alpha", 1.0)
    return Scales(scale, np.zeros((), np.int32), 0)


def input_places(node: onnx.NodeProto) -> list[tuple[int, int]]:
    """Return the index of each integer input, and the axis of its channels."""
    if node.op_type in TWO_INPUTS:
        axis = {"QLinearConv": 0, "QLinearMatMul": -1, "QGemm": 1 - attribute(node, "transB", 0)}
        return [(0, 0), (3, axis.get(node.op_type, 0))]
    if node.op_type == "QLinearConcat":
        return [(place, 0) for place in range(2, len(node.input), 3)]
    if node.op_type == "QLinearWhere":
        return [(1, 0), (4, 0)]
    return [(0, 0)]
