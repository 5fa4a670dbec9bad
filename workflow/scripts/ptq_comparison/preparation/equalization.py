"""Equalize the ranges of channels between two layers, before ranges are measured.

With one scale for a whole tensor, a channel of small values is left with few levels. Where nothing
but functions with f(x / s) = f(x) / s, s > 0, lies between two layers, as Relu, channel i of the
first layer can be divided by s_i, and the weights of the second that read it multiplied by s_i: the
model computes the same. Two ways to choose s:

- `cross_layer` makes the ranges of the weights of a channel in both layers equal: M. Nagel,
  M. van Baalen, T. Blankevoort and M. Welling, "Data-Free Quantization Through Weight Equalization
  and Bias Correction", ICCV 2019, section 4.1.
- `smooth` moves differences between the activations of channels into the weights that read them:
  G. Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language
  Models", ICML 2023, equation 4.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import onnx

from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_batch
from ptq_comparison.model.graph import attribute, copy_model, describe, extract, read_inside
from ptq_comparison.model.layers import (
    constants,
    from_rows,
    own_weights,
    scalar_constants,
    set_constant,
    to_rows,
)

# Functions that commute with positive factors of channels. A Clip from 0 does up to its bound.
EQUIVARIANT = ("Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "Identity")
STRENGTH = 0.25  # alpha of SmoothQuant; 0.5, its own for language models, is worse on MobileNet
SWEEPS, CONVERGED = 50, 1e-3  # of cross_layer, and the largest change of a log scale in the last


class Chain(NamedTuple):
    """Two layers; `tensor` is what the second reads, at most `bound` where a Clip cuts it."""

    first: onnx.NodeProto
    second: onnx.NodeProto
    tensor: str
    bound: float


def equalize(
    model: onnx.ModelProto, batches: Batches, method: str
) -> tuple[onnx.ModelProto, list[str]]:
    """Return the model with equalized channels, and what was changed, in words.

    `method` is `cross_layer` or `smooth`. Each channel keeps what it computes but for rounding, up
    to this: a Clip whose bound `batches`, the calibration images, do not reach in a channel may cut
    other values of it elsewhere; ranges from the same images cut them there as well. Channels that
    reach the bound keep their scale, as do those that are always 0 or that nothing reads. A model
    without any two such layers comes back itself.
    """
    chains = find_chains(model)
    if not chains:
        return model, []
    equalized = copy_model(model)
    peaks = channel_peaks(model, [chain.tensor for chain in chains], batches)
    # A channel of nothing but a bias has weights near 0, by which cross_layer would raise it far
    # above all others (high biases, section 4.1.3): none is raised above the largest before.
    ceilings = [min(chain.bound, peak.max()) for chain, peak in zip(chains, peaks, strict=True)]
    movable = [peak < chain.bound for chain, peak in zip(chains, peaks, strict=True)]
    for _ in range(SWEEPS if method == "cross_layer" else 1):
        moved = 0.0
        for place, (first, second, _, _) in enumerate(chains):
            arrays, peak = constants(equalized), peaks[place]
            written = _largest(first, arrays, by_output=True)
            read = _largest(second, arrays, by_output=False)
            usable = (np.minimum(np.minimum(written, read), peak) > 0) & movable[place]
            scale = np.ones(peak.shape)
            scale[usable] = _scale(written[usable], read[usable], peak[usable], method)
            scale[usable] = np.maximum(scale[usable], peak[usable] / ceilings[place])
            _multiply(equalized, first, 1 / scale, by_output=True)
            _multiply(equalized, second, scale, by_output=False)
            peaks[place] = peak / scale
            moved = max(moved, float(np.abs(np.log(scale)).max()))
        if moved < CONVERGED:
            break
    names = ", ".join(describe(chain.second) for chain in chains)
    return equalized, [f"channels are equalized ({method}) before {names}"]


def find_chains(model: onnx.ModelProto) -> list[Chain]:
    """Return the pairs of layers with nothing but `EQUIVARIANT` functions between, in graph order.

    Both are Conv, or both Gemm, with weights of their own, and nothing else reads what is between.
    A Clip counts as one from 0 to a constant above.
    """
    graph, numbers = model.graph, scalar_constants(model)
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update([*read_inside(graph), *(value.name for value in graph.output)])
    readers = {name: node for node in graph.node for name in node.input}
    layers = {
        node.output[0]: node
        for node, weight in own_weights(model)
        if node.op_type in ("Conv", "Gemm") and _can_be_scaled(model, node, weight, uses)
    }
    chains = []
    for tensor, first in layers.items():
        bound = np.inf
        while uses[tensor] == 1 and (node := readers.get(tensor)) is not None:
            if node.input[0] != tensor or node.domain:
                break
            if node.output[0] in layers:
                if node.op_type == first.op_type:
                    chains.append(Chain(first, node, tensor, bound))
                break
            if node.op_type == "Clip":
                low, high = (numbers.get(name) for name in [*node.input[1:3], "", ""][:2])
                if low != 0 or high is None or high <= 0:
                    break
                bound = min(bound, high)
            elif node.op_type not in EQUIVARIANT:
                break
            tensor = node.output[0]
    return chains


def channel_peaks(
    model: onnx.ModelProto, tensors: Sequence[str], batches: Batches
) -> list[np.ndarray]:
    """Return the largest absolute value of each channel, axis 1, of tensors; float64."""
    session = make_session(extract(model, list(tensors)), threads=1)
    peaks: list[np.ndarray] = [np.zeros(1) for _ in tensors]
    for batch in batches:
        for place, values in enumerate(run_batch(session, tensors, batch)):
            axes = tuple(axis for axis in range(values.ndim) if axis != 1)
            peaks[place] = np.maximum(peaks[place], np.abs(values).max(axis=axes))
    return [peak.astype(np.float64) for peak in peaks]


def _scale(written: np.ndarray, read: np.ndarray, peak: np.ndarray, method: str) -> np.ndarray:
    """Return what each channel is to be divided by; all are above 0."""
    if method == "cross_layer":
        chosen: np.ndarray = np.sqrt(written / read)
    else:
        chosen = peak**STRENGTH / read ** (1 - STRENGTH)
        # A common factor would move nothing between channels.
        chosen = chosen / np.exp(np.log(chosen).mean()) if chosen.size else chosen
    return chosen


def _can_be_scaled(
    model: onnx.ModelProto, node: onnx.NodeProto, weight: np.ndarray, uses: Counter[str]
) -> bool:
    """Tell whether weight and bias of a layer can take factors of channels."""
    if node.op_type == "Gemm" and (
        attribute(node, "transA", 0)
        or any(attribute(node, key, 1.0) != 1 for key in ("alpha", "beta"))
    ):
        return False
    if node.domain or weight.dtype != np.float32:
        return False
    bias = next(iter(node.input[2:]), "")
    rows = to_rows(node, weight)
    held = constants(model).get(bias)
    return not bias or (
        held is not None and uses[bias] == 1 and held.shape == (rows.shape[0] * rows.shape[1],)
    )


def _cube(node: onnx.NodeProto, weight: np.ndarray) -> np.ndarray:
    """Return a weight as float64 (groups, outputs and inputs of a group, pixels of a kernel)."""
    rows = to_rows(node, weight)
    inputs = weight.shape[1] if node.op_type == "Conv" else rows.shape[2]
    return rows.reshape(*rows.shape[:2], inputs, -1).astype(np.float64)


def _largest(node: onnx.NodeProto, arrays: dict[str, np.ndarray], by_output: bool) -> np.ndarray:
    """Return the largest absolute weight of each channel that a layer gives, or reads."""
    cube = np.abs(_cube(node, arrays[node.input[1]]))
    largest: np.ndarray = cube.max(axis=(2, 3) if by_output else (1, 3))
    return largest.ravel()


def _multiply(
    model: onnx.ModelProto, node: onnx.NodeProto, factor: np.ndarray, by_output: bool
) -> None:
    """Multiply in place the weights of each channel that a layer gives, and biases, or reads."""
    arrays = constants(model)
    weight = arrays[node.input[1]]
    cube = _cube(node, weight)
    groups, outputs, inputs, _ = cube.shape
    shape = (groups, outputs, 1, 1) if by_output else (groups, 1, inputs, 1)
    cube = cube * factor.reshape(shape)
    rows = cube.reshape(groups, outputs, -1)
    set_constant(model, node.input[1], from_rows(node, rows, weight.shape))
    if by_output and any(node.input[2:]):
        set_constant(model, node.input[2], arrays[node.input[2]] * factor)
