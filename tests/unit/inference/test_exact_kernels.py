"""Sessions whose kernels do not saturate."""

import numpy as np
import onnx
import pytest
from helpers import RAW, Quantizer, make_from_nodes, make_images
from helpers.products import make_product
from onnx import helper
from onnxruntime import InferenceSession
from onnxruntime.quantization import quantize_dynamic
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.exact_kernels import make_exact_session
from ptq_comparison.inference.saturation_trial import EXACT_KERNELS
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


def test_a_weight_of_dynamic_quantization_may_be_shared(tmp_path):
    nodes = [
        helper.make_node("Flatten", ["image"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "v"], ["x"], "first"),
        helper.make_node("MatMul", ["x", "w"], ["y"], "second"),
        helper.make_node("MatMul", ["y", "w"], ["scores"], "third"),
    ]
    arrays = {"v": np.full((108, 4), 0.01), "w": np.full((4, 4), 0.25)}
    model = make_from_nodes(nodes, arrays)
    (batch,) = Batches.of(IMAGES, model, PIXELS, 30)
    quantize_dynamic(model, tmp_path / "dynamic.onnx")
    made = onnx.load(tmp_path / "dynamic.onnx")
    found = make_exact_session(made, threads=1).run(None, batch.inputs)[0]
    expected = InferenceSession(model.SerializeToString()).run(None, batch.inputs)[0]
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_onnxruntime_alone_refuses_it(quantized):
    """When this passes, the copies of shared weights are needed no more."""
    _, made, _ = quantized
    if not any(node.op_type == "QGemm" for node in made.graph.node):
        pytest.skip("the model has no QGemm")
    with pytest.raises(Exception, match=r"replace the existing tensor"):
        make_session(onnx.ModelProto.FromString(made.SerializeToString()), 1, True, EXACT_KERNELS)


@pytest.mark.parametrize("opset", [13, 20, 21, 22])
def test_sums_are_exact_in_any_opset(opset):
    """onnxruntime alone takes the option from opset 21 on, and saturates all the same."""
    model = make_product("MatMul of one", "QOperator", opset=opset)
    session = make_exact_session(model, threads=1)
    # 64 products of 1 by 1
    found = session.run(None, {"x": np.ones((1, 64), np.float32)})[0]
    assert np.allclose(found, 64, rtol=0.01)
