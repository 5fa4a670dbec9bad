"""Gemm without alpha and beta, and with a bias of one value an output.

onnxruntime's quantizer loses beta, in QLinear operators also alpha, and takes any bias for a vector
of the outputs.
"""

import numpy as np
import onnx
from onnx import numpy_helper

from ptq_comparison.model.graph import (
    all_names,
    attribute,
    drop_unused,
    free_name,
    insert_at,
)
from ptq_comparison.model.layers import constants


def plain_gemms(model: onnx.ModelProto) -> str:
    """Fold alpha and beta of each Gemm into its constants, in place; say so in words.

    A bias becomes a vector (outputs,). One that is no such vector, or not constant, is added by a
    node of its own.
    """
    gemms = [node for node in model.graph.node if node.op_type == "Gemm"]
    changed = sum(_fold(model, node) for node in gemms)
    return f"alpha, beta and bias of Gemm are put into plain form ({changed})" if changed else ""


def _fold(model: onnx.ModelProto, node: onnx.NodeProto) -> bool:
    arrays = constants(model)
    alpha, beta = attribute(node, "alpha", 1.0), attribute(node, "beta", 1.0)
    bias = node.input[2] if len(node.input) > 2 else ""
    weight = arrays.get(node.input[1])
    outputs = None if weight is None else weight.shape[0 if attribute(node, "transB", 0) else 1]
    vector = arrays.get(bias)
    if vector is not None:
        fits = vector.size in (1, outputs) and (vector.ndim < 2 or vector.shape[0] == 1)
        vector = np.broadcast_to(vector.ravel(), (outputs,)) if fits and outputs else None
    is_plain = not bias or (vector is not None and arrays[bias].shape == vector.shape)
    if alpha == 1.0 and (beta == 1.0 or not bias) and is_plain:
        return False
    kept = [a for a in node.attribute if a.name not in ("alpha", "beta")]
    del node.attribute[:]
    node.attribute.extend(kept)
    if alpha != 1.0:
        place = next((i for i in (1, 0) if node.input[i] in arrays), None)
        if place is None:
            _multiply(model, node, alpha)
        else:
            node.input[place] = _add(model, node.input[place], alpha * arrays[node.input[place]])
    if vector is not None:
        node.input[2] = _add(model, bias, beta * vector)
    elif bias:
        _split_bias(model, node, beta)
    drop_unused(model.graph)
    return True


def _add(model: onnx.ModelProto, name: str, values: np.ndarray) -> str:
    new = free_name(f"{name}_folded", all_names(model))
    array = np.ascontiguousarray(values, np.float32)
    model.graph.initializer.append(numpy_helper.from_array(array, new))
    return new


def _multiply(model: onnx.ModelProto, node: onnx.NodeProto, factor: float) -> None:
    """Let a node multiply the first input of another."""
    taken = all_names(model)
    scaled = free_name(f"{node.output[0]}_alpha", taken)
    constant = _add(model, scaled, np.array(factor))
    multiply = onnx.helper.make_node("Mul", [node.input[0], constant], [scaled], name=scaled)
    insert_at(model.graph, node, [multiply])
    node.input[0] = scaled


def _split_bias(model: onnx.ModelProto, node: onnx.NodeProto, beta: float) -> None:
    """Let a node of its own add the bias, times beta."""
    taken, bias, output = all_names(model), node.input[2], node.output[0]
    del node.input[2:]
    node.output[0] = free_name(f"{output}_product", taken)
    added = []
    if beta != 1.0:
        scaled = free_name(f"{output}_beta", taken)
        factor = _add(model, scaled, np.array(beta))
        added.append(onnx.helper.make_node("Mul", [bias, factor], [scaled], name=scaled))
        bias = scaled
    name = free_name(f"{node.name or output}_bias", taken)
    added.append(onnx.helper.make_node("Add", [node.output[0], bias], [output], name=name))
    insert_at(model.graph, node, added, after=True)
