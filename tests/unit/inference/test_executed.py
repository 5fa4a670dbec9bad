"""What onnxruntime runs of a model: integers or float32."""

import numpy as np
import onnx
import pytest
from helpers import make_classifier
from onnx import helper, numpy_helper
from ptq_comparison.inference.executed import count_nodes, executed, optimized_graph, weight_types


def node(kind, name):
    return helper.make_node(kind, ["x"], ["y"], name=name)


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("QLinearConv", "convolution"),
        ("ConvInteger", "convolution"),
        ("QLinearMatMul", "matrix product"),
        ("QGemm", "matrix product"),
        ("MatMulIntegerToFloat", "matrix product"),
        ("DynamicQuantizeMatMul", "matrix product"),
        ("QLinearAdd", None),
        ("QLinearGlobalAveragePool", None),
    ],
)
def test_integer_operators(kind, layer):
    found = count_nodes([node(kind, "a_token_12")])
    assert (found["nodes"], found["integer_nodes"], found["conversions"]) == (1, 1, 0)
    assert found["layers"] == ({layer: {"integer": ["a"], "float": []}} if layer else {})


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("Conv", "convolution"),
        ("FusedConv", "convolution"),
        ("NhwcFusedConv", "convolution"),
        ("Gemm", "matrix product"),
        ("FusedMatMul", "matrix product"),
        ("MatMulNBits", "matrix product"),
        ("Relu", None),
        ("Quick", None),
    ],
)
def test_float_operators(kind, layer):
    found = count_nodes([node(kind, "a_nchwc")])
    assert (found["nodes"], found["integer_nodes"], found["conversions"]) == (1, 0, 0)
    assert found["layers"] == ({layer: {"integer": [], "float": ["a"]}} if layer else {})


def test_conversions_compute_nothing():
    kinds = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
    found = count_nodes([node(kind, kind) for kind in kinds])
    assert (found["nodes"], found["integer_nodes"], found["conversions"]) == (3, 0, 3)


def convolution(activations, weights):
    """Return a QDQ convolution of tensors of two types."""
    arrays = {
        "scale": np.array(0.1, np.float32),
        "zero": np.array(0, activations),
        "kernel": np.ones((4, 3, 3, 3), weights),
        "kernel_zero": np.array(0, weights),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "scale", "zero"], ["x_dq"]),
        helper.make_node("DequantizeLinear", ["kernel", "scale", "kernel_zero"], ["kernel_dq"]),
        helper.make_node("Conv", ["x_dq", "kernel_dq"], ["c"], name="only"),
        helper.make_node("QuantizeLinear", ["c", "scale", "zero"], ["c_q"]),
        helper.make_node("DequantizeLinear", ["c_q", "scale", "zero"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "convolution",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def test_a_fused_convolution_runs_in_integers():
    found = executed(convolution(np.uint8, np.int8))
    assert found["layers"] == {"convolution": {"integer": ["only"], "float": []}}
    assert found["integer_nodes"] == 1


def test_onnxruntime_leaves_a_convolution_without_a_kernel_in_float32():
    # There is no integer convolution of 16-bit activations.
    found = executed(convolution(np.uint16, np.int8))
    assert found["layers"] == {"convolution": {"integer": [], "float": ["only"]}}
    assert found["integer_nodes"] == 0 and found["conversions"] > 2


def test_onnxruntime_runs_less_than_it_is_given():
    model = make_classifier("NCHW")
    graph = optimized_graph(model)
    assert len(graph.node) <= len(model.graph.node)
    assert "Relu" not in {node.op_type for node in graph.node}  # fused
    assert weight_types(graph) == {"float32": 1}


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
    value = helper.make_tensor_value_info("x", onnx.TensorProto.UINT8, None)
    graph = helper.make_graph(
        nodes, "g", [value], [], [numpy_helper.from_array(a, name) for name, a in arrays.items()]
    )
    types = weight_types(graph)
    assert types == {"float16": 1, "float32": 1, "int8": 1}
