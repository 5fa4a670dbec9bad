"""What each node of a quantized model loses of the signal, given the values of float32.

The operator check finds nodes that err by more than rounding; here, rounding itself is too coarse.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

from ptq_comparison.inference.model_inputs import Batch
from ptq_comparison.inference.session import make_session, run_batch
from ptq_comparison.model.graph import copy_model, with_outputs
from ptq_comparison.model.layers import WEIGHTED, constants
from ptq_comparison.quantization.activation_grids import Grid, stored_grids
from ptq_comparison.quantization.stored_tensors import dequantize, stored_tensors

PREFIX = "<stored>/"  # no model has such names


class NodeLoss(NamedTuple):
    """The share of the signal that a node loses by its stored weights, and by its stored result.

    That is the power of the error over the variance of a channel, at most 1, on the mean of all
    channels that vary.
    """

    node: onnx.NodeProto
    weights: float
    result: float

    @property
    def worst(self) -> float:
        """The larger one of both."""
        return max(self.weights, self.result)


def node_losses(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto, batches: Iterable[Batch]
) -> list[NodeLoss]:
    """Return the losses of all nodes that have any, the worst one first.

    Activations that are merged into the node before count for themselves.
    """
    grids = stored_grids(quantized, float_model)
    both, weighted = _with_stored_weights(float_model, quantized)
    nodes = [n for n in float_model.graph.node if n.output[0] in {*grids, *weighted}]
    exact = [node.output[0] for node in nodes]
    names = [*exact, *(PREFIX + name for name in weighted)]
    session = make_session(with_outputs(both, names), threads=1, optimize=False)
    # Numbers of values, sums, sums of squares, and of squared errors: of weights, and of the grid
    sums: dict[str, np.ndarray] = {}
    for batch in batches:
        tensors = dict(zip(names, run_batch(session, names, batch), strict=True)) if names else {}
        for name in exact:
            found = _sums(tensors[name], tensors.get(PREFIX + name), grids.get(name))
            sums[name] = sums[name] + found if name in sums else found
    losses = [NodeLoss(node, *_shares(sums[node.output[0]])) for node in nodes]
    return sorted(losses, key=lambda loss: -loss.worst)


def _with_stored_weights(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto
) -> tuple[onnx.ModelProto, list[str]]:
    """Return the float32 model with a second node for each one with quantized weights.

    It reads the same, but has the weight as it is stored. Also returned are the outputs of the
    first nodes.
    """
    model, outputs = copy_model(float_model), []
    floats, arrays = constants(float_model), constants(quantized)
    stored = stored_tensors(float_model, quantized)
    for node in float_model.graph.node:
        held = stored.get(node.input[1]) if node.op_type in WEIGHTED else None
        if held is None or held.scale is None or held.levels not in arrays:
            continue
        name = PREFIX + node.output[0]
        values = dequantize(arrays[held.levels], held)
        if values.shape != floats[node.input[1]].shape:
            continue
        model.graph.initializer.append(numpy_helper.from_array(values, f"{name}/weight"))
        copy = model.graph.node.add()
        copy.CopyFrom(node)
        copy.name = name
        copy.input[1], copy.output[0] = f"{name}/weight", name
        outputs.append(node.output[0])
    return model, outputs


def _sums(exact: np.ndarray, of_weights: np.ndarray | None, grid: Grid | None) -> np.ndarray:
    """Return the sums of a tensor by channel, float64 (5, channels)."""
    values = _by_channel(exact).astype(np.float64)
    zeros = np.zeros(len(values))
    weights = zeros if of_weights is None else _squares(_by_channel(of_weights) - values)
    result = zeros
    if grid is not None:
        levels = np.clip(grid.unclipped_levels(values), 0, grid.size - 1)
        result = _squares((levels - grid.zero) * grid.scale - values)
    count = np.full(len(values), values.shape[1])
    return np.array([count, values.sum(axis=1), _squares(values), weights, result])


def _by_channel(values: np.ndarray) -> np.ndarray:
    """Return a tensor as (channels, values): the second axis has them, of three axes the last."""
    if values.ndim < 2:
        return values.reshape(1, -1)
    return np.moveaxis(values, -1 if values.ndim == 3 else 1, 0).reshape(
        values.shape[-1 if values.ndim == 3 else 1], -1
    )


def _squares(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.square(values).sum(axis=1))


def _shares(sums: np.ndarray) -> tuple[float, float]:
    count, total, squares, weights, result = sums
    signal = squares - total**2 / count
    # Of a channel that is always the same, float32's rounding would be all the signal.
    varies = signal > 1e-9 * np.maximum(squares, np.finfo(np.float32).tiny)
    if not varies.any():
        return 0.0, 0.0
    lost = [np.minimum(error[varies] / signal[varies], 1).mean() for error in (weights, result)]
    return float(lost[0]), float(lost[1])
