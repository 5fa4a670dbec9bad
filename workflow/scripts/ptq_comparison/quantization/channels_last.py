"""The order of axes in which onnxruntime runs a residual block behind a layer in float32.

onnxruntime turns the axes of integer convolutions to channels last, and moves the Transposes that
this takes through the other nodes where it gets rid of one. Behind a layer in float32, a block
reads the same quantized tensor in a convolution and in an Add: there it gives up, with a Transpose
before the convolution, one behind it, and one behind the Add (seen with onnxruntime 1.32). If the
Add reads a Transpose, it does not, and one is left. A Reshape to the same shape keeps it from
cancelling that with the one before.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ptq_comparison.model.graph import all_names, copy_model, free_name, insert_at
from ptq_comparison.model.layers import constants

PREFIX = "channels_last/"  # of the names of the nodes that are added
TO_LAST, TO_FIRST, SAME_SHAPE = (0, 2, 3, 1), (0, 3, 1, 2), np.zeros(4, np.int64)
CONVOLUTIONS, SUMS = ("Conv", "QLinearConv"), ("Add", "QLinearAdd")
ACTIVATIONS = ("Relu", "Clip")  # which stay with the node before


def keep_channels_last(quantized: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with fewer Transposes around Add when onnxruntime runs it, the scores the
    same to the last bit; itself where there is nothing to do."""
    places = _places(quantized)
    if not places:
        return quantized
    model = copy_model(quantized)
    taken = all_names(model)
    shape = free_name(f"{PREFIX}shape", taken)
    model.graph.initializer.append(numpy_helper.from_array(SAME_SHAPE, shape))
    nodes = {name: node for node in model.graph.node for name in node.output}
    for levels in places:
        first, turned, same = (
            free_name(f"{PREFIX}{levels}/{step}", taken) for step in ("first", "turned", "same")
        )
        nodes[levels].output[0] = first
        made = [
            helper.make_node("Transpose", [first], [turned], turned, perm=TO_LAST),
            helper.make_node("Reshape", [turned, shape], [same], same),
            helper.make_node("Transpose", [same], [levels], first, perm=TO_FIRST),
        ]
        insert_at(model.graph, nodes[levels], made, after=True)
    return model


def _places(model: onnx.ModelProto) -> list[str]:
    """Return the integer tensors at which float32 ends, and a convolution and an Add go on.

    Those of QDQ models are unsigned: on x86-64, onnxruntime runs signed ones in other ways.
    """
    arrays = constants(model)
    computed = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def is_integer(node: onnx.NodeProto) -> bool:
        """Tell whether onnxruntime may put an integer operator in place of a float32 one."""
        found = [computed.get(name) for name in node.input if name]
        return all(given is not None and given.op_type == "DequantizeLinear" for given in found)

    def goes_on(levels: str) -> Iterator[str]:
        """Yield what the integer operators that read a tensor are, and "" for other readers."""
        for reader in readers.get(levels, []):
            if reader.op_type != "DequantizeLinear":  # QOperator
                yield _kind(reader, levels)
                continue
            unsigned = len(reader.input) > 2 and arrays[reader.input[2]].dtype == np.uint8
            for node in readers.get(reader.output[0], []):
                yield _kind(node, reader.output[0]) if unsigned and is_integer(node) else ""

    found = []
    for node in model.graph.node:
        source = computed.get(node.input[0]) if node.op_type == "QuantizeLinear" else None
        while source is not None and source.op_type in ACTIVATIONS:
            source = computed.get(source.input[0])
        if source is None or source.op_type == "Transpose" or is_integer(source):
            continue
        if set(goes_on(node.output[0])) == {"convolution", "sum"}:
            found.append(node.output[0])
    return found


def _kind(node: onnx.NodeProto, tensor: str) -> str:
    """Return what a node does with a tensor; "" for all else."""
    if node.op_type in SUMS:
        return "sum"
    return "convolution" if node.op_type in CONVOLUTIONS and node.input[0] == tensor else ""
