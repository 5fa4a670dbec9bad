"""Float32 models that onnxruntime's quantizer would damage or leave as they are, refused in time.

What can be mended instead is mended by `quantizable_form`.
"""

from collections.abc import Iterator

import onnx

from ptq_comparison.common.errors import UserError
from ptq_comparison.model.graph import all_nodes, attribute, describe, inner_graphs
from ptq_comparison.model.layers import WEIGHTED, named_constants, scalar_constants
from ptq_comparison.model.opset import ONNX_DOMAINS, model_opset

# They give other values in each run.
RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
          "RandomUniformLike")  # fmt: skip
# The opset from which on an operator has an input or attribute for training.
DROPOUT_HAS_MODE, BATCH_NORMALIZATION_HAS_MODE = 12, 14


def check_supported(model: onnx.ModelProto) -> None:
    """Raise UserError for what cannot be quantized, and would not be noticed.

    That is: operators in training mode or with random results, operators that onnxruntime has fused
    with their weights, and convolutions and matrix products in graphs inside nodes.
    """
    _check_inference(model)
    _check_fused(model)
    _check_inner(model)


def _check_inference(model: onnx.ModelProto) -> None:
    opset, values = model_opset(model), scalar_constants(model)
    for node in all_nodes(model.graph):
        if node.op_type in RANDOM:
            raise UserError(
                f"model.source: {describe(node)} gives other values in each run, so that no result "
                "could be repeated; export the model without it, after model.eval()"
            )
        if _trains(node, opset, values):
            raise UserError(
                f"model.source: {describe(node)} is in training mode, so that every run gives "
                "other results; export the model after model.eval()"
            )


def _trains(node: onnx.NodeProto, opset: int, values: dict[str, float]) -> bool:
    if node.domain not in ONNX_DOMAINS:
        return False
    if node.op_type == "Dropout":
        if opset < DROPOUT_HAS_MODE:
            return False
        ratio, mode = ([*node.input[1:], "", ""])[:2]
        # A mode that only the run decides may be training.
        return bool(mode) and bool(values.get(mode, 1)) and values.get(ratio, 0.5) != 0
    if node.op_type == "BatchNormalization":
        if opset < BATCH_NORMALIZATION_HAS_MODE:
            return len([name for name in node.output if name]) > 1
        return bool(attribute(node, "training_mode", 0))
    return False


def _check_fused(model: onnx.ModelProto) -> None:
    matrices = {name for name, tensor in named_constants(model) if len(tensor.dims) > 1}
    fused = [
        node
        for node in all_nodes(model.graph)
        if node.domain not in ONNX_DOMAINS
        and ("Fused" in node.op_type or matrices.intersection(node.input))
    ]
    if fused:
        types = ", ".join(sorted({f"{node.op_type} of {node.domain}" for node in fused}))
        raise UserError(
            f"model.source: holds operators that an optimizer has fused with their weights "
            f"({types}; the first is {fused[0].name or fused[0].output[0]!r}), which onnxruntime "
            "cannot quantize; export the model without them, or give the file from before "
            "onnxruntime optimized it"
        )


def _check_inner(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        for inside in _inside(node):
            if inside.op_type in WEIGHTED:
                raise UserError(
                    f"model.source: {describe(node)} holds {describe(inside)} in a graph of its "
                    "own, and onnxruntime quantizes only what is outside of such graphs; export "
                    "the model without control flow, for example by tracing it"
                )


def _inside(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    for graph in inner_graphs(node):
        yield from all_nodes(graph)
