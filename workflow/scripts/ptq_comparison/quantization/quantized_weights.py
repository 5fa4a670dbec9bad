"""The weights that a quantized model holds, with scale and zero point."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

from ptq_comparison.model.graph import attribute
from ptq_comparison.model.layers import WEIGHTED

# Where integer operators have weight and scale.
INTEGER_WEIGHTED = ("QLinearConv", "QLinearMatMul", "QGemm")


class Weight(NamedTuple):
    """A stored weight and its grid, that is scale * (level - zero_point).

    `values` are the levels. Scale and zero point are one number, or one a channel along `axis`.
    """

    name: str
    values: np.ndarray
    data_type: int
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int
    node: onnx.NodeProto  # the one that the weight belongs to


def stored_weights(model: onnx.ModelProto) -> Iterator[Weight]:
    """Yield the stored weights of convolutions and matrix products, in the order of the graph."""
    initializers = {i.name: i for i in model.graph.initializer}
    dequantize = {n.output[0]: n for n in model.graph.node if n.op_type == "DequantizeLinear"}
    for node in model.graph.node:
        if node.op_type in WEIGHTED and node.input[1] in dequantize:
            source = dequantize[node.input[1]]
            names = source.input[:3]
            axis = attribute(source, "axis", 1)
        elif node.op_type in INTEGER_WEIGHTED:
            names = node.input[3:6]
            axis = 0 if node.op_type == "QLinearConv" or attribute(node, "transB", 0) else 1
        else:
            continue
        if names[0] in initializers:
            values, scale, zero_point = (numpy_helper.to_array(initializers[n]) for n in names)
            data_type = initializers[names[0]].data_type
            yield Weight(names[0], values, data_type, scale, zero_point, axis, node)
