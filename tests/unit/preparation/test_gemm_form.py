"""Gemm without factors, and with a vector for a bias."""

import numpy as np
import onnx
import pytest
from helpers import make_from_nodes
from onnx import helper, numpy_helper
from onnxruntime import InferenceSession
from ptq_comparison.preparation.gemm_form import plain_gemms

RANDOM = np.random.default_rng(1)
WEIGHT, VECTOR = RANDOM.normal(size=(108, 4)), RANDOM.normal(size=4)


def make(bias=VECTOR, weight=WEIGHT, **attributes):
    nodes = [
        helper.make_node("Flatten", ["image"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w", "b"], ["scores"], "gemm", **attributes),
    ]
    constants = {"w": weight} if bias is None else {"w": weight, "b": bias}
    if bias is None:
        del nodes[1].input[2:]
    return make_from_nodes(nodes, constants)


def scores(model):
    session = InferenceSession(model.SerializeToString())
    images = np.random.default_rng(2).normal(size=(5, 3, 6, 6)).astype(np.float32)
    return session.run(None, {"image": images})[0]


def operators(model):
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    ("model", "after"),
    [
        (make(alpha=0.5), ["Gemm"]),
        (make(beta=0.5), ["Gemm"]),
        (make(alpha=-2.0, beta=3.0, weight=WEIGHT.T, transB=1), ["Gemm"]),
        (make(bias=VECTOR[None]), ["Gemm"]),
        (make(bias=VECTOR[:1]), ["Gemm"]),
        (make(bias=np.float64(0.3), beta=2.0), ["Gemm"]),
        (make(bias=None, alpha=0.5), ["Gemm"]),
        (make(bias=RANDOM.normal(size=(5, 4))), ["Gemm", "Add"]),
        (make(bias=RANDOM.normal(size=(5, 1)), beta=2.0), ["Gemm", "Mul", "Add"]),
    ],
)
def test_the_model_computes_the_same(model, after):
    expected = scores(model)
    assert plain_gemms(model) == "alpha, beta and bias of Gemm are put into plain form (1)"
    onnx.checker.check_model(model)
    assert operators(model) == ["Flatten", *after]
    assert np.allclose(scores(model), expected, rtol=1e-5, atol=1e-5)
    gemm = model.graph.node[1]
    assert {a.name for a in gemm.attribute} <= {"transB"}
    arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    assert len(gemm.input) == 2 or arrays[gemm.input[2]].shape == (4,)
    assert plain_gemms(model) == ""


@pytest.mark.parametrize(
    "model",
    [make(), make(bias=None), make(bias=None, beta=0.5), make(transB=1, weight=WEIGHT.T)],
)
def test_a_plain_model_stays_as_it_is(model):
    before = model.SerializeToString()
    assert plain_gemms(model) == ""
    assert model.SerializeToString() == before


def test_a_constant_that_others_use_stays():
    model = make(alpha=0.5, beta=0.5)
    model.graph.node[-1].output[0] = "g"
    model.graph.node.append(helper.make_node("Add", ["g", "b"], ["scores"], "add"))
    expected = scores(model)
    assert plain_gemms(model)
    assert np.allclose(scores(model), expected, rtol=1e-5, atol=1e-5)


def test_a_product_of_two_tensors_gets_its_factor_by_a_node():
    """Its weight depends on the image."""
    nodes = [
        helper.make_node("Flatten", ["image"], ["f"], "flatten"),
        helper.make_node("Gemm", ["w", "f"], ["v"], "turn", transA=1, transB=1, alpha=3.0),
        helper.make_node("Transpose", ["v"], ["scores"], "transpose"),
    ]
    nodes.insert(1, helper.make_node("Identity", ["w_given"], ["w"], "same"))
    model = make_from_nodes(nodes, {"w_given": WEIGHT})
    expected = scores(model)
    assert plain_gemms(model)
    assert "Mul" in operators(model)
    assert np.allclose(scores(model), expected, rtol=1e-4, atol=1e-4)
