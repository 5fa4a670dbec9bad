"""A quantized model that computes in float32 between DequantizeLinear and QuantizeLinear.

What QLinear operators are defined as is thus run whatever kernels the CPU has: some saturate.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ptq_comparison.model.graph import copy_model
from ptq_comparison.model.layers import constants
from ptq_comparison.quantization.stored_tensors import (
    BIAS_INDEX,
    OUTPUT_SCALE_INDEX,
    Scales,
    bias_scales,
    dequantize,
    input_places,
    stored_scales,
)

FLOAT_TYPES = {"QGemm": "Gemm"}  # else without QLinear
OWN_ATTRIBUTES = ("channels_last", "opset")  # that only onnxruntime's operators have


def with_float_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of a quantized model with float32 operators in place of QLinear ones."""
    made = copy_model(model)
    graph, arrays, scales = made.graph, constants(model), stored_scales(model)
    nodes = list(made.graph.node)
    del graph.node[:]
    for number, node in enumerate(nodes):
        if node.op_type in OUTPUT_SCALE_INDEX:
            graph.node.extend(_float_nodes(graph, node, f"<unfused>/{number}", arrays, scales))
        else:
            graph.node.append(node)
    return made


def _float_nodes(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    prefix: str,
    arrays: dict[str, np.ndarray],
    scales: dict[str, Scales],
) -> list[onnx.NodeProto]:
    names, inputs, nodes = list(node.input), list[str](), list[onnx.NodeProto]()

    if node.op_type == "QLinearWhere":
        inputs.append(names[0])
    places = [place for place, _ in input_places(node)]
    bias = BIAS_INDEX.get(node.op_type, len(names))
    if bias < len(names) and names[bias]:
        places.append(bias)
    for place in places:
        inputs.append(f"{prefix}/{place}")
        levels = names[place]
        if levels in arrays:
            # In older opsets, DequantizeLinear has no channels.
            grid = bias_scales(node, arrays) if place == bias else scales[levels]
            values = dequantize(arrays[levels], grid)
            graph.initializer.append(numpy_helper.from_array(values, inputs[-1]))
        else:
            given = names[place : place + 3]
            nodes.append(helper.make_node("DequantizeLinear", given, inputs[-1:]))
    kind = FLOAT_TYPES.get(node.op_type, node.op_type.removeprefix("QLinear"))
    nodes.append(helper.make_node(kind, inputs, [f"{prefix}/result"], name=f"{prefix}/operator"))
    kept = [a for a in node.attribute if a.name not in OWN_ATTRIBUTES]
    nodes[-1].attribute.extend(kept)
    place = OUTPUT_SCALE_INDEX[node.op_type]
    given = [f"{prefix}/result", *names[place : place + 2]]
    nodes.append(helper.make_node("QuantizeLinear", given, list(node.output)))
    return nodes
