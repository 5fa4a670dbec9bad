"""The graph that onnxruntime runs, and the types of its weights."""

import numpy as np
from helpers import make_classifier
from onnx import TensorProto, helper, numpy_helper
from ptq_comparison.inference.executed import executed_model, weight_types


def test_onnxruntime_runs_less_than_it_is_given():
    model = make_classifier("NCHW")
    executed = executed_model(model)
    assert len(executed.graph.node) <= len(model.graph.node)
    assert "Relu" not in {node.op_type for node in executed.graph.node}  # fused
    assert weight_types(executed) == {"float32": 1}


def test_weights_are_told_from_scales_and_biases():
    arrays = {
        "w": np.zeros((4, 3, 3, 3), np.int8),
        "zero": np.zeros((), np.uint8),
        "half": np.zeros((4, 5), np.float16),
        "wide": np.zeros((5, 6), np.float32),
        "bias": np.zeros(6, np.float32),
    }
    nodes = [
        helper.make_node("ConvInteger", ["x", "w", "zero", "zero"], ["a"]),
        helper.make_node("FusedMatMul", ["b", "half"], ["c"], domain="com.microsoft"),
        helper.make_node("Gemm", ["d", "wide", "bias"], ["e"]),
        helper.make_node("MatMul", ["e", "c"], ["f"]),  # of two activations
        helper.make_node("Add", ["f", "wide"], ["g"]),  # no product
    ]
    value = helper.make_tensor_value_info("x", TensorProto.UINT8, None)
    graph = helper.make_graph(
        nodes, "g", [value], [], [numpy_helper.from_array(a, name) for name, a in arrays.items()]
    )
    types = weight_types(helper.make_model(graph))
    assert types == {"float16": 1, "float32": 1, "int8": 1}
