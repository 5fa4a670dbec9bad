"""Sessions whose kernels do not saturate."""

import numpy as np
import onnx
import pytest
from helpers import RAW, Quantizer, make_from_nodes, make_images
from onnx import helper
from onnxruntime import InferenceSession
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.exact_kernels import EXACT_KERNELS, make_exact_session
from ptq_comparison.inference.session import make_session

IMAGES, _ = make_images(30, seed=3, side=6)
PIXELS = {**RAW, "layout": "NCHW", "scale": 1 / 255}


@pytest.fixture
def quantized(tmp_path):
    """A model of two products that share a weight, with u8s8."""
    generator = np.random.default_rng(1)
    nodes = [
        helper.make_node("Flatten", ["image"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "v"], ["x"], "first"),
        helper.make_node("Gemm", ["x", "w"], ["y"], "second"),
        helper.make_node("Gemm", ["y", "w"], ["scores"], "third"),
    ]
    arrays = {"v": generator.normal(size=(108, 4)), "w": generator.normal(size=(4, 4))}
    model = make_from_nodes(nodes, arrays)
    batches = Batches.of(IMAGES, model, PIXELS, 30)
    return model, Quantizer(model, batches, tmp_path, format="QOperator")(model), batches


def test_a_weight_may_be_shared(quantized):
    model, made, batches = quantized
    (inputs,) = [batch.inputs for batch in batches]
    before = made.SerializeToString()
    found = make_exact_session(made, threads=1).run(None, inputs)[0]
    assert made.SerializeToString() == before
    expected = InferenceSession(model.SerializeToString()).run(None, inputs)[0]
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_onnxruntime_alone_refuses_it(quantized):
    """When this passes, the copies of shared weights are needed no more."""
    _, made, _ = quantized
    if not any(node.op_type == "QGemm" for node in made.graph.node):
        pytest.skip("the model has no QGemm")
    with pytest.raises(Exception, match=r"replace the existing tensor"):
        make_session(onnx.ModelProto.FromString(made.SerializeToString()), 1, True, EXACT_KERNELS)


def make_product(opset):
    """Return a QLinearMatMul whose pairs of products are beyond 16 bits: 64 times 1 by 1."""
    arrays = {
        "step": np.float32(1 / 255), "zero": np.uint8(0), "weight": np.full((64, 2), 100, np.int8),
        "weight_step": np.float32(0.01), "weight_zero": np.int8(0), "sum_step": np.float32(0.5),
    }  # fmt: skip
    weight = ["weight", "weight_step", "weight_zero"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "step", "zero"], ["levels"]),
        helper.make_node(
            "QLinearMatMul", ["levels", "step", "zero", *weight, "sum_step", "zero"], ["sums"]
        ),
        helper.make_node("DequantizeLinear", ["sums", "sum_step", "zero"], ["y"]),
    ]
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, size])
        for name, size in (("x", 64), ("y", 2))
    ]
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "product", values[:1], values[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.mark.parametrize("opset", [13, 20, 21, 22])
def test_sums_are_exact_in_any_opset(opset):
    """onnxruntime alone takes the option from opset 21 on, and saturates all the same."""
    session = make_exact_session(make_product(opset), threads=1)
    assert session.run(None, {"x": np.ones((1, 64), np.float32)})[0].tolist() == [[64.0, 64.0]]
