"""A constant for each use that onnxruntime's quantizer would give one scale for all.

It stores a constant once, under one name: a bias with the scale of the first node that uses it, a
weight by the channels of the first, the constant of a Pad in the scale of the first Pad's input.
"""

from collections import defaultdict

import onnx
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from ptq_comparison.model.graph import all_names, free_name, read_inside
from ptq_comparison.model.layers import NORMALIZATIONS, WEIGHTED, channel_axis

# Inputs of operators that are quantized, though these inputs are not.
UNQUANTIZED_INPUTS = {
    "Clip": (1, 2), "Resize": (1, 2, 3), "BatchNormalization": (3, 4), "Where": (0,),
}  # fmt: skip
FLOAT = ("float",)


def own_constants(model: onnx.ModelProto) -> str:
    """Give uses that need different scales constants of their own, in place; say so in words.

    Weights that several nodes use in the same way stay shared: their scale is that of their values.
    """
    graph = model.graph
    tensors = {i.name: i for i in graph.initializer if i.data_type == onnx.TensorProto.FLOAT}
    outside = read_inside(graph).union(value.name for value in graph.output)
    roles: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for name in outside.intersection(tensors):
        roles[name].append(FLOAT)
    taken, copied = all_names(model), 0
    names: dict[tuple[str, tuple[object, ...]], str] = {}
    for number, node in enumerate(graph.node):
        for place, name in enumerate(node.input):
            if name not in tensors:
                continue
            role = _role(node, number, place)
            if role not in roles[name]:
                if roles[name]:
                    copy = graph.initializer.add()
                    copy.CopyFrom(tensors[name])
                    copy.name = names[name, role] = free_name(f"{name}_copy", taken)
                    copied += 1
                roles[name].append(role)
            node.input[place] = names.get((name, role), name)
    return f"constants that need several scales are copied ({copied})" if copied else ""


def _role(node: onnx.NodeProto, number: int, place: int) -> tuple[object, ...]:
    """Return what decides over the scale of an input: equal where inputs may share it."""
    op_type = node.op_type
    if place in UNQUANTIZED_INPUTS.get(op_type, ()):
        return FLOAT
    if place == 2 and op_type in (*WEIGHTED, *NORMALIZATIONS, "Pad"):
        return ("own", number)
    if op_type in WEIGHTED and (place == 1 or op_type == "MatMul"):
        return ("weight", channel_axis(node), op_type == "MatMul")
    if op_type in NORMALIZATIONS and place == 1:
        return ("weight", 1, False)
    if op_type in QDQRegistry or op_type in QLinearOpsRegistry:
        return ("operand",)
    return FLOAT
