"""Nodes that onnxruntime would quantize wrongly, found in what it made of them.

They are then kept in float32, and the model is quantized again.
"""

import math
from collections.abc import Iterator

import numpy as np
import onnx

from ptq_comparison.model.graph import attribute
from ptq_comparison.model.layers import WEIGHTED, constants, scalar_constants
from ptq_comparison.quantization.stored_tensors import (
    Stored,
    dequantize,
    merged_activations,
    stored_tensors,
)

NOT_CUT = "its cut is not that of the grid"
OVERFLOW = "its bias overflows 32 bits in the scale of input and weight"
NOT_ON_GRID = "its constant lies beyond the grid of its input"
INT32 = np.iinfo(np.int32)


def nodes_to_keep(float_model: onnx.ModelProto, quantized: onnx.ModelProto) -> dict[str, str]:
    """Return the first output of each node that has to stay in float32, and why."""
    stored = stored_tensors(float_model, quantized)
    activations = dict.fromkeys(_uncut(float_model, quantized, stored), NOT_CUT)
    overflowing = dict.fromkeys(_overflowing(float_model, quantized, stored), OVERFLOW)
    pads = dict.fromkeys(_pads_beyond(float_model, quantized, stored), NOT_ON_GRID)
    return {**activations, **overflowing, **pads}


def cut(node: onnx.NodeProto, numbers: dict[str, float]) -> tuple[float, float] | None:
    """Return where a Relu or Clip cuts; None where it depends on the input.

    `numbers` are the scalar constants of the model.
    """
    if node.op_type == "Relu":
        return 0.0, math.inf
    bounds = []
    for place, name, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        given = node.input[place] if len(node.input) > place else ""
        if given and given not in numbers:
            return None
        bounds.append(numbers[given] if given else attribute(node, name, default))
    return bounds[0], bounds[1]


def _uncut(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto, stored: dict[str, Stored]
) -> Iterator[str]:
    """Yield the outputs of merged activations whose cut the grid does not make."""
    numbers = scalar_constants(float_model)
    for node in merged_activations(float_model, quantized):
        name = node.output[0]
        bounds, grid = cut(node, numbers), stored.get(name)
        if bounds is None or grid is None or grid.scale is None:
            yield name
            continue
        (low, high), half = grid.ends, float(grid.scale.item()) / 2
        # A value beyond the cut is rounded to it if that is the end of the grid, half a step off.
        if low < bounds[0] - half or high > bounds[1] + half:
            yield name


def _overflowing(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto, stored: dict[str, Stored]
) -> Iterator[str]:
    """Yield the outputs of nodes whose bias is cut off at the ends of int32."""
    arrays, floats = constants(quantized), constants(float_model)
    for node in float_model.graph.node:
        bias = node.input[2] if node.op_type in WEIGHTED and len(node.input) > 2 else ""
        grid = stored.get(bias)
        if grid is None or grid.levels not in arrays or grid.scale is None or bias not in floats:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            levels = np.abs(floats[bias].astype(np.float64)) / grid.scale.astype(np.float64)
        if (levels > INT32.max).any():
            yield node.output[0]


def _pads_beyond(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto, stored: dict[str, Stored]
) -> Iterator[str]:
    """Yield the outputs of Pads whose constant is cut off at an end of the grid of their input."""
    arrays, floats = constants(quantized), constants(float_model)
    for node in float_model.graph.node:
        value = node.input[2] if node.op_type == "Pad" and len(node.input) > 2 else ""
        grid = stored.get(value)
        if grid is not None and grid.levels in arrays and grid.scale is not None:
            found, step = dequantize(arrays[grid.levels], grid), float(grid.scale.item())
            if np.abs(found - floats[value]).max() > step * (0.5 + 1e-3):
                yield node.output[0]
