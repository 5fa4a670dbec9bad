"""Factors and terms behind a convolution or matrix product, folded into its weight and bias.

Such are batch normalization, and what exporters make of it: Mul and Add with constants.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

from ptq_comparison.model.graph import (
    all_names,
    attribute,
    copy_model,
    describe,
    drop_unused,
    free_name,
    read_inside,
)
from ptq_comparison.model.layers import WEIGHTED, channel_axis, constants

AFFINE = ("Mul", "Div", "Add", "Sub", "BatchNormalization")


class Affine(NamedTuple):
    """`factor` and `term` of each output channel, float64 (1,) or (channels,)."""

    factor: np.ndarray
    term: np.ndarray


class Host(NamedTuple):
    """A node that takes factors into its weight; channels lie on the `axis` of its output."""

    node: onnx.NodeProto
    channels: int
    rank: int
    axis: int
    followers: list[tuple[onnx.NodeProto, Affine]]


def fold_affine(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """Return the model with everything folded that can be, and the nodes folded into, in words.

    What other nodes, graphs or the output of the model read in between stays as it is. A model
    without any such node comes back itself.
    """
    folded = copy_model(model)
    into = [describe(host.node) for host in foldable(folded) if _fold(folded, host)]
    if not into:
        return model, []
    drop_unused(folded.graph)
    return folded, into


def foldable(model: onnx.ModelProto) -> list[Host]:
    """Return the nodes that factors and terms follow which can be folded into them, in graph order.

    A MatMul has no place for terms, so that one with nothing but terms behind it is left out.
    """
    graph, arrays = model.graph, constants(model)
    hosts = [host for node in graph.node if (host := _host(model, node, arrays)) is not None]
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update([*read_inside(graph), *(value.name for value in graph.output)])
    readers = {name: node for node in graph.node for name in node.input}
    for host in hosts:
        tensor = host.node.output[0]
        # An output of the model has no reader.
        while uses[tensor] == 1 and (node := readers.get(tensor)) is not None:
            affine = _affine(node, tensor, host, arrays)
            if affine is None:
                break
            host.followers.append((node, affine))
            tensor = node.output[0]
    return [
        host
        for host in hosts
        if any(host.node.op_type != "MatMul" or np.any(a.factor != 1) for _, a in host.followers)
    ]


def _host(
    model: onnx.ModelProto, node: onnx.NodeProto, arrays: dict[str, np.ndarray]
) -> Host | None:
    if node.op_type not in WEIGHTED or node.domain or node.input[1] not in arrays:
        return None
    weight = arrays[node.input[1]]
    bias = node.input[2] if len(node.input) > 2 else ""
    if weight.dtype != np.float32 or (bias and bias not in arrays):
        return None
    rank: int | None = weight.ndim
    if node.op_type == "ConvTranspose":
        channels = weight.shape[1] * attribute(node, "group", 1)
    elif node.op_type == "Conv":
        channels = weight.shape[0]
    else:
        if weight.ndim != 2 or any(attribute(node, key, 1.0) != 1 for key in ("alpha", "beta")):
            return None
        channels = weight.shape[0 if attribute(node, "transB", 0) else 1]
        if node.op_type == "MatMul":
            rank = _rank(model, node.output[0])
    if rank is None or (bias and arrays[bias].size not in (1, channels)):
        return None
    return Host(node, channels, rank, rank - 1 if node.op_type == "MatMul" else 1, [])


def _rank(model: onnx.ModelProto, tensor: str) -> int | None:
    graph = onnx.shape_inference.infer_shapes(model).graph
    types = {v.name: v.type.tensor_type for v in (*graph.value_info, *graph.output)}
    known = tensor in types and types[tensor].HasField("shape")
    return len(types[tensor].shape.dim) if known else None


def _affine(
    node: onnx.NodeProto, tensor: str, host: Host, arrays: dict[str, np.ndarray]
) -> Affine | None:
    """Return what a node does to the channels of its input `tensor`; None if it does other."""
    if node.op_type not in AFFINE or node.domain:
        return None
    if node.op_type == "BatchNormalization":
        plain = attribute(node, "spatial", 1) and not attribute(node, "training_mode", 0)
        known = all(name in arrays for name in node.input[1:])
        if node.input[0] != tensor or host.axis != 1 or not plain or not known:
            return None
        scale, shift, mean, variance = (arrays[n].astype(np.float64) for n in node.input[1:])
        factor = scale / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
        return Affine(factor, shift - mean * factor)
    place = 1 if node.input[0] == tensor else 0  # of the constant
    if node.input[1 - place] != tensor or node.input[place] not in arrays:
        return None
    values = _by_channel(arrays[node.input[place]], host)
    if values is None or (node.op_type == "Div" and (place == 0 or not values.all())):
        return None
    one, zero = np.ones(1), np.zeros(1)
    if node.op_type in ("Mul", "Div"):
        return Affine(values if node.op_type == "Mul" else 1 / values, zero)
    if node.op_type == "Add":
        return Affine(one, values)
    return Affine(one, -values) if place == 1 else Affine(-one, values)


def _by_channel(values: np.ndarray, host: Host) -> np.ndarray | None:
    """Return a constant as float64 (1,) or (channels,); None if it differs along other axes."""
    if values.ndim > host.rank:
        return None
    shape = [1] * (host.rank - values.ndim) + list(values.shape)
    along = shape.pop(host.axis)
    if any(size != 1 for size in shape) or along not in (1, host.channels):
        return None
    return values.astype(np.float64).ravel()


def _fold(model: onnx.ModelProto, host: Host) -> bool:
    """Fold what follows a node into it, in place; False where float32 cannot hold the result."""
    node, graph, arrays = host.node, model.graph, constants(model)
    factor, term = np.ones(host.channels), np.zeros(host.channels)
    for _, affine in host.followers:
        factor, term = factor * affine.factor, term * affine.factor + affine.term
    bias = node.input[2] if len(node.input) > 2 else ""
    if bias:
        term = term + arrays[bias].astype(np.float64).ravel() * factor
    with np.errstate(over="ignore"):
        weight = _scaled(node, arrays[node.input[1]], factor).astype(np.float32)
        term = term.astype(np.float32)
    if not (np.isfinite(weight).all() and np.isfinite(term).all()):
        return False
    taken, last = all_names(model), host.followers[-1][0]
    stem = node.name or node.output[0]
    node.input[1] = free_name(f"{stem}_folded_weight", taken)
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(weight), node.input[1]))
    removed = [follower for follower, _ in host.followers]
    if term.any() or bias:
        name = free_name(f"{stem}_folded_bias", taken)
        graph.initializer.append(numpy_helper.from_array(term, name))
        if node.op_type == "MatMul":
            removed.pop()
            add = onnx.helper.make_node(
                "Add", [node.output[0], name], [last.output[0]], name=last.name
            )
            last.CopyFrom(add)
        else:
            node.input[2:] = [name]
    if last in removed:
        node.output[0] = last.output[0]
    for follower in removed:
        graph.node.remove(follower)
    return True


def _scaled(node: onnx.NodeProto, weight: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return a weight with each output channel times its factor, float64."""
    if node.op_type == "ConvTranspose":  # (inputs, outputs of a group, ...)
        groups = attribute(node, "group", 1)
        grouped = weight.reshape(groups, -1, *weight.shape[1:])
        by_group = factor.reshape(groups, 1, weight.shape[1], *[1] * (weight.ndim - 2))
        return np.asarray((grouped * by_group).reshape(weight.shape))
    axis = channel_axis(node)
    shape = [-1 if place == axis else 1 for place in range(weight.ndim)]
    return np.asarray(weight * factor.reshape(shape))
