"""GPTQ: round weights so that each makes up for the errors of those rounded before.

Optimal Brain Compression (E. Frantar and D. Alistarh, NeurIPS 2022) minimizes the squared error of
a layer's output for its real inputs, not that of its weights: when one weight has been rounded,
those left are moved to compensate. GPTQ (E. Frantar, S. Ashkboos, T. Hoefler and D. Alistarh, ICLR
2023) takes the weights of all rows in the same order, which makes it fast.
"""

from typing import NamedTuple

import numpy as np
import onnx
from onnxruntime.quantization.quant_utils import TENSOR_NAME_QUANT_SUFFIX

from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.graph import attribute, copy_model
from ptq_comparison.model.layers import from_rows, own_weights, set_constant, to_rows
from ptq_comparison.quantization.quantized_weights import Weight, stored_weights
from ptq_comparison.refinement.input_moments import input_hessians

# Zero points of symmetric weights with 8 and 7 bits, and the largest absolute value in units of the
# scale. Unsigned weights are symmetric in QDQ models by channel.
SYMMETRIC_ZERO_POINTS = {"int8": ((0, 127.0), (0, 64.0)), "uint8": ((128, 127.5), (64, 63.5))}
DAMPING = 0.01  # of the mean diagonal of the Hessian, added to it; GPTQ's own value


class WeightGrid(NamedTuple):
    """Where weights of the shape (..., rows, k) may lie: multiples of `scale` from `low` to `high`.

    These three are float32 (..., rows, 1), the limits those of onnxruntime. `pinned`, bool
    (..., rows, k), marks the weights that onnxruntime takes the scale from.
    """

    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    pinned: np.ndarray


def round_weights(
    model: onnx.ModelProto, quantized: onnx.ModelProto, batches: Batches
) -> onnx.ModelProto:
    """Return a copy of the float32 model whose weights lie on the grids of the quantized one.

    `quantized` is the plain quantization of `model`, QDQ or QOperator, of which only the grids are
    used. Quantized with the same options for weights, the result gets the same grids, and its
    weights are stored without further error. Weights that define a scale keep their value for that.

    Layers are rounded in the order of the graph, each for the inputs that it gets from those
    rounded before, in float32. Untouched are weights that `quantized` does not hold or several
    nodes share, and those of a ConvTranspose, a Gemm with transA and of more than two axes in a
    MatMul. Each layer takes one pass over `batches`, from the input of the model to that of the
    layer, and memory as in `input_hessians`.
    """
    rounded = copy_model(model)
    stored = {weight.name: weight for weight in stored_weights(quantized)}
    for node, weight in own_weights(model):
        name = node.input[1]
        if f"{name}{TENSOR_NAME_QUANT_SUFFIX}" in stored and _fits(node, weight):
            rows = to_rows(node, weight)
            grid = read_grid(rows, stored[f"{name}{TENSOR_NAME_QUANT_SUFFIX}"])
            hessians = input_hessians(rounded, node, batches)
            groups = [
                round_rows(group, group_hessian, WeightGrid(*part))
                for group, group_hessian, *part in zip(rows, hessians, *grid, strict=True)
            ]
            set_constant(rounded, name, from_rows(node, np.stack(groups), weight.shape))
    return rounded


def round_rows(rows: np.ndarray, hessian: np.ndarray, grid: WeightGrid) -> np.ndarray:
    """Return weights (rows, k) rounded to the grid; `hessian` (k, k) is that of the output error.

    The error (w - w') hessian (w - w')^T is what is kept small in each row w. Columns are taken in
    the order of falling diagonal: weights of large inputs first, while there are others left to
    compensate.
    """
    scale = grid.scale[:, 0].astype(np.float64)
    lowest, highest = np.rint(grid.low[:, 0] / scale), np.rint(grid.high[:, 0] / scale)
    diagonal = np.diag(hessian)
    order = np.argsort(-diagonal, kind="stable")
    # Inputs that are always 0 have no say; damping, or 1, keeps their rows regular.
    damped = hessian + np.eye(len(hessian)) * (DAMPING * diagonal.mean() or 1.0)
    inverse = np.linalg.inv(damped[np.ix_(order, order)])
    factor = np.linalg.cholesky(inverse).T  # upper: row j holds how the error of weight j spreads

    left = rows[:, order].astype(np.float64)
    levels = np.empty_like(left)
    for j, column in enumerate(order):
        wanted = np.where(grid.pinned[:, column], rows[:, column], left[:, j])
        levels[:, column] = np.clip(np.rint(wanted / scale), lowest, highest)
        error = (left[:, j] - levels[:, column] * scale) / factor[j, j]
        left[:, j:] -= np.outer(error, factor[j, j:])
    # Within the limits: the zero point is rounded, and the outer levels may lie beyond them.
    rounded = np.clip(levels.astype(np.float32) * grid.scale, grid.low, grid.high)
    return np.where(grid.pinned, rows, rounded)


def read_grid(rows: np.ndarray, stored: Weight) -> WeightGrid:
    """Return the grid of a weight, float32 (groups, rows, k), as quantized by onnxruntime.

    A symmetric grid is defined by the largest absolute value; any other by the lowest and the
    highest value, and 0 lies in it.
    """
    channels = rows.reshape(stored.scale.size, -1)
    scale = stored.scale.reshape(-1, 1)
    low = np.minimum(channels.min(axis=1, keepdims=True), np.float32(0))
    high = np.maximum(channels.max(axis=1, keepdims=True), np.float32(0))
    largest = np.maximum(-low, high)
    symmetric = _is_symmetric(largest / scale, stored)
    index = np.arange(len(channels))
    pinned = np.zeros(channels.shape, bool)
    pinned[index, np.abs(channels).argmax(axis=1)] = True
    for ends in (channels.argmin(axis=1), channels.argmax(axis=1)):
        pinned[index, ends] |= ~symmetric[:, 0]
    low, high = np.where(symmetric, -largest, low), np.where(symmetric, largest, high)
    # The zero point is rounded, so that the range may end half a step beyond the last level.
    ends, zero_point = np.iinfo(stored.values.dtype), stored.zero_point.reshape(-1, 1).astype(int)
    low = np.maximum(low, scale * (ends.min - zero_point).astype(np.float32))
    high = np.minimum(high, scale * (ends.max - zero_point).astype(np.float32))

    shape = (*rows.shape[:2], 1)
    scale, low, high = (
        np.broadcast_to(part, (rows.shape[0] * rows.shape[1], 1)).reshape(shape)
        for part in (scale, low, high)
    )
    return WeightGrid(scale, low, high, pinned.reshape(rows.shape))


def _is_symmetric(steps: np.ndarray, stored: Weight) -> np.ndarray:
    """Tell of each channel whether its scale was taken from the largest absolute value alone.

    `steps` is that value in units of the scale. onnxruntime may also have widened the scale for a
    large bias; such a channel counts as not symmetric, which only keeps its weights within their
    extremes.
    """
    symmetric = np.zeros(steps.shape, bool)
    for zero_point, wanted in SYMMETRIC_ZERO_POINTS[stored.values.dtype.name]:
        middle = stored.zero_point.reshape(-1, 1) == zero_point
        symmetric |= middle & np.isclose(steps, wanted, atol=1e-3)
    return symmetric


def _fits(node: onnx.NodeProto, weight: np.ndarray) -> bool:
    if node.op_type == "MatMul":
        return weight.ndim == 2
    return node.op_type == "Conv" or (node.op_type == "Gemm" and not attribute(node, "transA", 0))
