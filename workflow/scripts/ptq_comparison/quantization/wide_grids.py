"""Coarser grids of weights beside which a bias would overflow 32 bits, where this costs nothing.

A bias is stored in the scale of input times weight. Folding of batch normalization leaves channels
that are dead: weights of 1e-8 beside a bias of 1. onnxruntime makes their grids coarser where
weights are signed and symmetric; here it is done for the others.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import onnx

from ptq_comparison.model.layers import WEIGHTED, channel_axis, constants
from ptq_comparison.quantization.stored_tensors import Stored, merged_activations, stored_tensors

NEGLIGIBLE = 1 / 8  # of a step of the result
# Kernels add up products and bias in 32 bits: half of them are for the products.
LARGEST_BIAS = np.iinfo(np.int32).max // 2


class WideGrid(NamedTuple):
    """The grid of a weight: scale * (level - zero_point), with one number or one a channel.

    `scale` is float32, `axis` that of the channels. `wider` tells which scales are larger than the
    weights alone need.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int
    wider: np.ndarray

    @property
    def overrides(self) -> list[dict[str, Any]]:
        """What onnxruntime's TensorQuantOverrides takes: the axis stands in the first of them."""
        pairs = zip(self.scale.ravel().tolist(), self.zero_point.ravel().tolist(), strict=True)
        made: list[dict[str, Any]] = [{"scale": scale, "zero_point": zero} for scale, zero in pairs]
        if len(made) > 1:
            made[0]["axis"] = self.axis
        return made

    def describe(self) -> str:
        """Return what was done, as it stands in the log."""
        count = int(self.wider.sum())
        grids = "weight grids" if count > 1 else "the weight grid"
        channels = f" of {count} channel{'s' * (count > 1)}" if self.scale.size > 1 else ""
        verb = "are" if count > 1 else "is"
        return f"{grids}{channels} {verb} coarser, so that the bias fits into 32 bits"


def wide_grids(
    model: onnx.ModelProto,
    quantized: onnx.ModelProto,
    overflowing: Collection[str],
    per_channel: bool,
) -> dict[str, WideGrid]:
    """Return grids for weights of nodes whose bias overflows, by the name of the weight.

    `quantized` is the QDQ model that onnxruntime makes of `model`, `overflowing` the first outputs
    of such nodes. Left out are weights that have one scale though `per_channel` asks for more, and
    weights whose rounding to the grid could change a result by more than `NEGLIGIBLE`, for any
    input on the grid of the input.
    """
    stored, floats = stored_tensors(model, quantized), constants(model)
    for activation in merged_activations(model, quantized):
        if activation.output[0] in stored:  # the grid of the node before it
            stored.setdefault(activation.input[0], stored[activation.output[0]])
    found: dict[str, WideGrid] = {}
    for node in model.graph.node:
        weight = node.input[1] if node.output[0] in overflowing else ""
        if weight in found or weight not in floats or weight not in stored:
            continue
        scale, shape = stored[weight].scale, floats[weight].shape
        if per_channel and scale is not None and scale.size == 1 < max(shape, default=1):
            continue
        readers = [reader for reader in model.graph.node if weight in reader.input]
        grid = _coarser(stored[weight], readers, stored, floats)
        if grid and all(_is_negligible(r, floats[weight], grid, stored) for r in readers):
            found[weight] = grid
    return found


def described(model: onnx.ModelProto, grids: dict[str, WideGrid]) -> dict[str, str]:
    """Return what was done to the weights, by the names of the nodes that read them."""
    return {
        node.name or node.output[0]: grids[node.input[1]].describe()
        for node in model.graph.node
        if node.op_type in WEIGHTED and node.input[1] in grids
    }


def _coarser(
    grid: Stored,
    readers: list[onnx.NodeProto],
    stored: dict[str, Stored],
    floats: dict[str, np.ndarray],
) -> WideGrid | None:
    """Return the grid that the biases of all readers need; None where it is not theirs alone."""
    if grid.scale is None or grid.zero_point is None:
        return None
    least = grid.scale.astype(np.float64)
    for node in readers:
        source = stored.get(node.input[0])
        if node.op_type not in WEIGHTED or source is None or source.scale is None:
            return None
        if source.scale.size > 1 or (least.size > 1 and channel_axis(node) != grid.axis):
            return None
        bias = floats.get(node.input[2]) if len(node.input) > 2 else None
        if bias is not None:
            needed = np.abs(bias.astype(np.float64)) / LARGEST_BIAS / float(source.scale.item())
            least = np.maximum(least, needed if least.size > 1 else needed.max())
    scale = least.astype(np.float32)
    return WideGrid(scale, grid.zero_point, grid.axis, scale > grid.scale)


def _is_negligible(
    node: onnx.NodeProto, weight: np.ndarray, grid: WideGrid, stored: dict[str, Stored]
) -> bool:
    """Tell whether the rounding of the weights hardly moves the result of a node.

    The bound holds for all images, since no input lies beyond the ends of its grid.
    """
    source, result = stored[node.input[0]], stored.get(node.output[0])
    if result is None or result.scale is None or result.scale.size > 1:
        return False
    step = grid.scale.astype(np.float64)
    if step.size > 1:
        step = np.expand_dims(step, [axis for axis in range(weight.ndim) if axis != grid.axis])
    moved = largest_sums(node, np.rint(weight / step) * step - weight, source)
    touched = moved[grid.wider] if grid.scale.size > 1 else moved
    return bool((touched <= NEGLIGIBLE * float(result.scale.item())).all())


def largest_sums(node: onnx.NodeProto, weight: np.ndarray, source: Stored) -> np.ndarray:
    """Return how large the sum of products can get in each channel, float64 (channels,).

    `source` is the input, on one grid, whose ends no value exceeds.
    """
    rows = np.moveaxis(np.abs(weight.astype(np.float64)), channel_axis(node), 0)
    sums: np.ndarray = rows.reshape(len(rows), -1).sum(axis=1) * max(map(abs, source.ends))
    return sums
