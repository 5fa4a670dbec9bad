"""The graph that onnxruntime really runs on this CPU: what it computes in integers, and what not.

onnxruntime fuses the QuantizeLinear and DequantizeLinear around an operator into an integer one
only where it has a kernel for the types; elsewhere the operator runs in float32, between
conversions. Such a model is 8 bits on the disk, and slower than float32.
"""

import math
import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import onnx
import onnxruntime
from onnx import helper

from ptq_comparison.common.descriptions import Executed, Layers
from ptq_comparison.model.graph import all_nodes

# Operators that compute with integers; QuantizeLinear and DequantizeLinear only convert.
INTEGER_OPERATOR = re.compile(
    r"QLinear\w+|Q(Gemm|Attention|EmbedLayerNormalization|OrderedMatMul)|\w*Integer\w*|"
    r"DynamicQuantize(?!Linear)\w+"
)
CONVERSIONS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
# Nearly all the work of a classifier, under the names that onnxruntime's fusions give it.
LAYERS = {
    "convolution": re.compile(r"\w*Conv(Transpose|Integer)?|NhwcFusedConv"),
    "matrix product": re.compile(r"\w*(Gemm|MatMul)(\w*)"),
}
# What onnxruntime appends to the names of nodes that it makes.
APPENDED = re.compile(r"(_nchwc|_token_\d+|/MatMulAddFusion|_nhwc)+$")
PRODUCTS = ("Conv", "MatMul", "Gemm")  # in the names of all operators that multiply by a weight
LARGE_TENSOR = 1024  # bytes


def executed(model: onnx.ModelProto) -> Executed:
    """Count what onnxruntime runs of a model on this CPU, with the optimizations of `predict`."""
    return count_nodes(all_nodes(optimized_graph(model)))


def optimized_graph(model: onnx.ModelProto) -> onnx.GraphProto:
    """Return the graph that onnxruntime makes of a model for this CPU, without large tensors."""
    options = onnxruntime.SessionOptions()
    # It warns that a file of such a graph fits this CPU alone.
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "optimized.onnx"
        options.optimized_model_filepath = str(file)
        entry = "session.optimized_model_external_initializers"
        options.add_session_config_entry(f"{entry}_file_name", "weights")
        options.add_session_config_entry(f"{entry}_min_size_in_bytes", str(LARGE_TENSOR))
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return onnx.load(file, load_external_data=False).graph


def count_nodes(nodes: Iterable[onnx.NodeProto]) -> Executed:
    """Count the nodes of an optimized graph, and name its layers."""
    found = Executed(nodes=0, integer_nodes=0, conversions=0, layers={})
    for node in nodes:
        is_integer = INTEGER_OPERATOR.fullmatch(node.op_type) is not None
        found["nodes"] += 1
        found["integer_nodes"] += is_integer
        found["conversions"] += node.op_type in CONVERSIONS
        for kind, operators in LAYERS.items():
            if operators.fullmatch(node.op_type):
                layers = found["layers"].setdefault(kind, Layers(integer=[], float=[]))
                name = APPENDED.sub("", node.name or node.output[0])
                layers["integer" if is_integer else "float"].append(name)
    return found


def weight_types(graph: onnx.GraphProto) -> dict[str, int]:
    """Count convolutions and matrix products by the type of their weight, {"float32": 9}."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    counts: Counter[str] = Counter()
    for node in graph.node:
        if any(kind in node.op_type for kind in PRODUCTS):
            # Scales, zero points and biases are smaller.
            given = [constants[name] for name in node.input if name in constants]
            if given:
                weight = max(given, key=lambda tensor: math.prod(tensor.dims))
                counts[helper.tensor_dtype_to_np_dtype(weight.data_type).name] += 1
    return dict(sorted(counts.items()))
