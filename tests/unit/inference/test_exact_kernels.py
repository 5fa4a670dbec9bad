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
