"""Weights and biases as initializers, which is how onnxruntime's quantizer looks for them.

Those of Constant nodes, or transposed by a node, it quantizes on every run of the model from
float32, or fails over them, both without a word on why.
"""

import onnx
from onnx import GraphProto, numpy_helper

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.graph import (
    copy_model,
    drop_unused,
    extract,
    inner_graphs,
    real_inputs,
)
from ptq_comparison.model.layers import WEIGHTED

# Inputs that the quantizer looks for among the initializers.
STORED = {**dict.fromkeys(WEIGHTED, slice(1, 3)), "Pad": slice(2, 3)}
UNSTORED = slice(0)
MIN_IR_VERSION = 4  # the first in which an initializer need not be an input of the graph


def plain_weights(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """Return the model with plain weights, and what was changed for that, in words.

    Weights and biases of Conv, ConvTranspose, MatMul and Gemm that nodes compute from constants
    alone become initializers, and what nothing uses any more is dropped; initializers are taken out
    of the inputs, and the IR version is one that allows that. A model that is so already comes back
    itself, with an empty list. Raises UserError when onnxruntime cannot compute the weights.
    """
    graph, changes = model.graph, []
    plain = copy_model(model)
    inputs = real_inputs(model)
    if len(inputs) < len(graph.input):
        changes.append(f"initializers are no longer inputs ({len(graph.input) - len(inputs)})")
        del plain.graph.input[:]
        plain.graph.input.extend(inputs)
    if model.ir_version < MIN_IR_VERSION:
        changes.append(f"the IR version {model.ir_version} is now {MIN_IR_VERSION}")
        plain.ir_version = MIN_IR_VERSION
    computed = _computing_nodes(graph)
    if computed:
        changes.append(f"weights that nodes compute from constants are stored ({len(computed)})")
        _store(plain, computed)
    return (plain, changes) if changes else (model, [])


def _computing_nodes(graph: GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes that compute weights or biases from constants alone."""
    constant = {initializer.name for initializer in graph.initializer}
    for node in graph.node:
        # A graph inside a node may use any tensor.
        computes = not any(inner_graphs(node)) and not node.op_type.startswith("Random")
        if computes and constant.issuperset(_inputs(node)):
            constant.update(node.output)
    used = constant.intersection(
        name for node in graph.node for name in node.input[STORED.get(node.op_type, UNSTORED)]
    )
    return [node for node in graph.node if used.intersection(node.output)]


def _store(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Replace nodes that compute constants by their values, in place."""
    names = [name for node in nodes for name in node.output if name]
    try:
        session = make_session(
            extract(model, names, from_constants=True), threads=1, optimize=False
        )
        values = session.run(names, {})
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        raise UserError(
            f"model.source: onnxruntime cannot compute the weights {names[0]!r} from constants "
            f"({first_line(error)}); export the model with its weights as initializers"
        ) from error
    graph = model.graph
    for node in nodes:
        graph.node.remove(node)
    graph.initializer.extend(map(numpy_helper.from_array, values, names))
    drop_unused(graph)


def _inputs(node: onnx.NodeProto) -> set[str]:
    return set(node.input) - {""}
