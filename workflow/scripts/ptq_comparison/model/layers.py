"""Convolutions and matrix products of a float32 model, and their constants."""

from collections import Counter
from collections.abc import Collection, Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from ptq_comparison.model.graph import all_nodes, attribute, copy_model, inner_graphs

# Float operators whose second input is the weight. onnxruntime treats the constants of others, as
# of Mul and Add, like activations.
WEIGHTED = ("Conv", "ConvTranspose", "MatMul", "Gemm")
# Their third input is a bias, too, which onnxruntime stores in the scale of the first two.
NORMALIZATIONS = ("InstanceNormalization", "LayerNormalization", "BatchNormalization")


# Half of the largest float32: -inf, or the lowest float32 in its place, as in masks of attention.
UNBOUNDED = float(np.finfo(np.float32).max) / 2


def own_weights(model: onnx.ModelProto) -> Iterator[tuple[onnx.NodeProto, np.ndarray]]:
    """Yield the nodes with a weight that no other node uses, and the weight, in graph order."""
    arrays = constants(model)
    uses = Counter(name for node in model.graph.node for name in node.input)
    for node in model.graph.node:
        if node.op_type in WEIGHTED and node.input[1] in arrays and uses[node.input[1]] == 1:
            yield node, arrays[node.input[1]]


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Return the initializers by name; the arrays are read-only views."""
    return {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}


def named_constants(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Yield names and tensors of all constants, also those of graphs inside nodes."""
    yield from ((tensor.name, tensor) for tensor in model.graph.initializer)
    for node in all_nodes(model.graph):
        if node.op_type == "Constant" and (value := attribute(node, "value", None)) is not None:
            yield node.output[0], value
        for inner in inner_graphs(node):
            yield from ((tensor.name, tensor) for tensor in inner.initializer)


def scalar_constants(model: onnx.ModelProto) -> dict[str, float]:
    """Return the numbers among the constants by name."""
    return {
        name: numpy_helper.to_array(tensor).item()
        for name, tensor in named_constants(model)
        if all(size == 1 for size in tensor.dims) and tensor.data_type != onnx.TensorProto.STRING
    }


def largest(tensor: onnx.TensorProto) -> float:
    """Return the largest absolute value of a float32 constant; 0 for other types or no values."""
    if tensor.data_type != onnx.TensorProto.FLOAT or not all(tensor.dims):
        return 0.0
    return float(np.abs(numpy_helper.to_array(tensor)).max())


def set_constant(model: onnx.ModelProto, name: str, values: np.ndarray) -> None:
    """Replace an initializer, as float32 of the same shape."""
    tensor = next(i for i in model.graph.initializer if i.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))


def channel_axis(node: onnx.NodeProto) -> int:
    """Return the axis of a weight along which onnxruntime quantizes it by channel."""
    return 0 if node.op_type == "Conv" or attribute(node, "transB", 0) else 1


def to_rows(node: onnx.NodeProto, weight: np.ndarray) -> np.ndarray:
    """Return a weight as (groups, output channels of a group, inputs of an output).

    For Conv, MatMul and Gemm; the two products have one group.
    """
    if node.op_type == "Conv":
        groups = attribute(node, "group", 1)
        return weight.reshape(groups, len(weight) // groups, -1)
    return (weight if attribute(node, "transB", 0) else weight.T)[np.newaxis]


def from_rows(node: onnx.NodeProto, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Undo `to_rows`, given the shape of the weight."""
    if node.op_type == "Conv":
        return rows.reshape(shape)
    matrix: np.ndarray = rows[0]
    return matrix if attribute(node, "transB", 0) else matrix.T


def float_weighted(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the convolutions and matrix products with a float32 weight, in graph order."""
    floats = {i.name for i in model.graph.initializer if i.data_type == onnx.TensorProto.FLOAT}
    return [n for n in model.graph.node if n.op_type in WEIGHTED and n.input[1] in floats]


def with_weights_of(
    model: onnx.ModelProto, refined: onnx.ModelProto, nodes: Collection[str]
) -> onnx.ModelProto:
    """Return a copy of a refined model in which nodes have the weights and biases of `model`."""
    copy = copy_model(refined)
    given = {node.name: node for node in model.graph.node if node.name in nodes}
    own = {name for node in given.values() for name in node.input}
    arrays = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name in own}
    for node in copy.graph.node:
        if node.name in given:  # which may have got a bias
            del node.input[:]
            node.input.extend(given[node.name].input)
    for tensor in copy.graph.initializer:
        if tensor.name in arrays:
            tensor.CopyFrom(arrays[tensor.name])
    return copy
