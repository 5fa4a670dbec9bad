"""Nodes that onnxruntime would quantize wrongly, found in what it made of them.

They are then kept in float32, and the model is quantized again.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from ptq_comparison.model.graph import attribute
from ptq_comparison.model.layers import (
    NORMALIZATIONS,
    WEIGHTED,
    channel_axis,
    constants,
    scalar_constants,
)
from ptq_comparison.quantization.stored_tensors import (
    HALF_STEP,
    ROUNDING,
    Stored,
    dequantize,
    merged_activations,
    stored_tensors,
)
from ptq_comparison.quantization.wide_grids import largest_sums

NOT_CUT = "its cut is not that of the grid"
OVERFLOW = "its bias overflows 32 bits in the scale of input and weight"
OTHER_SCALE = "its weight got another scale after its bias was stored"
NOT_ON_GRID = "its constant lies beyond the grid of its input"
INT32 = np.iinfo(np.int32)
ACTIVATION_STEPS, WEIGHT_STEPS = 255, 127  # of ranges, and of symmetric ones on one side


def nodes_to_keep(float_model: onnx.ModelProto, quantized: onnx.ModelProto) -> dict[str, str]:
    """Return the first output of each node that has to stay in float32, and why."""
    stored = stored_tensors(float_model, quantized)
    activations = dict.fromkeys(_uncut(float_model, quantized, stored), NOT_CUT)
    biases = dict(_wrong_biases(float_model, quantized, stored))
    pads = dict.fromkeys(_pads_beyond(float_model, quantized, stored), NOT_ON_GRID)
    return {**activations, **biases, **pads}


def biases_that_may_overflow(
    model: onnx.ModelProto, ranges: Mapping[str, tuple[float, float]]
) -> dict[str, str]:
    """Return the first output of each node whose bias may be too large by channel, and why.

    `ranges` are those of the inputs, in the scales that 8 bits have for them.
    """
    floats, found = constants(model), {}
    for node in model.graph.node:
        bias = node.input[2] if node.op_type in WEIGHTED and len(node.input) > 2 else ""
        if bias not in floats or node.input[1] not in floats or node.input[0] not in ranges:
            continue
        low, high = ranges[node.input[0]]
        weight = np.moveaxis(floats[node.input[1]], channel_axis(node), 0)
        largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1).astype(np.float64)
        scale = (max(high, 0.0) - min(low, 0.0)) / ACTIVATION_STEPS * largest / WEIGHT_STEPS
        values = np.abs(floats[bias].astype(np.float64)).ravel()
        if values.size == scale.size and (values > scale * INT32.max).any():
            found[node.output[0]] = OVERFLOW
    return found


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
        low, high = grid.ends
        # Clip from -a to a ends exactly half a step off, but for the float32 of the scale.
        half = HALF_STEP * float(grid.scale.item()) + (high - low) * ROUNDING
        # A value beyond the cut is rounded to it if that is the end of the grid, half a step off.
        if low < bounds[0] - half or high > bounds[1] + half:
            yield name


def _wrong_biases(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto, stored: dict[str, Stored]
) -> Iterator[tuple[str, str]]:
    """Yield the outputs of nodes whose bias is not stored as it is, and why."""
    arrays, floats = constants(quantized), constants(float_model)
    for node in float_model.graph.node:
        has_bias = node.op_type in (*WEIGHTED, *NORMALIZATIONS) and len(node.input) > 2
        bias = node.input[2] if has_bias else ""
        grid = stored.get(bias)
        if grid is None or grid.levels not in arrays or grid.scale is None or bias not in floats:
            continue
        values, scale = floats[bias].astype(np.float64), grid.scale.astype(np.float64)
        off = np.abs(dequantize(arrays[grid.levels], grid) - values)
        with np.errstate(divide="ignore", invalid="ignore"):
            # onnxruntime widens scales until the bias alone fits, but products are added to it.
            products = _products(node, stored, arrays, values.size)
            if ((np.abs(values) + products) / scale > INT32.max).any():
                yield node.output[0], OVERFLOW
            elif (off > scale * HALF_STEP + np.abs(values) * ROUNDING).any():
                yield node.output[0], OTHER_SCALE


def _products(
    node: onnx.NodeProto, stored: dict[str, Stored], arrays: dict[str, np.ndarray], channels: int
) -> np.ndarray:
    """Return how large the sum of products beside a bias can get, by channel or the largest.

    It is 0 where no kernel adds in 32 bits: there are some for 8 bits alone.
    """
    source, weight = stored.get(node.input[0]), stored.get(node.input[1])
    if node.op_type not in WEIGHTED or source is None or weight is None:
        return np.zeros(1)
    zero_points = source.zero_point, weight.zero_point
    if weight.levels not in arrays or any(z is None or z.itemsize > 1 for z in zero_points):
        return np.zeros(1)
    sums = largest_sums(node, dequantize(arrays[weight.levels], weight), source)
    return sums if sums.size == channels else sums.max(keepdims=True)


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
            reach = step * HALF_STEP + np.abs(floats[value]) * ROUNDING
            if (np.abs(found - floats[value]) > reach).any():
                yield node.output[0]
