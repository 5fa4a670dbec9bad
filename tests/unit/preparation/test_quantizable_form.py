"""All steps together: a model in good form stays itself, another one computes the same."""

import numpy as np
import onnx
import pytest
from helpers import make_classifier, make_from_nodes
from models import reported
from onnx import helper
from onnxruntime import InferenceSession
from ptq_comparison.preparation.quantizable_form import inline_functions, quantizable_form


def test_a_model_in_good_form_comes_back_itself():
    model = make_classifier()
    assert inline_functions(model) == (model, [])
    form, changes = quantizable_form(model)
    assert form is model and changes == []


@pytest.mark.parametrize("nested", [False, True])
def test_functions_are_inlined_with_the_opsets_that_are_left(nested):
    body = lambda net: reported.local_functions(net, nested)  # noqa: E731
    model = reported.make(body, plain=False)
    inlined, changes = inline_functions(model)
    names = "Block, Outer" if nested else "Block"
    assert changes == [f"local functions are inlined ({names})"]
    onnx.checker.check_model(inlined)
    assert not inlined.functions and [o.domain for o in inlined.opset_import] == [""]
    assert {"Conv", "Relu"} < {node.op_type for node in inlined.graph.node}
    assert quantizable_form(inlined)[0] is inlined


def test_the_given_model_is_left_alone_and_every_change_is_told():
    nodes = [
        helper.make_node("Conv", ["image", "w", ""], ["c"], "conv"),
        helper.make_node("Clip", ["c", "low", "high"], ["r"], "clip"),
        helper.make_node("Gelu", ["r"], ["g"], "gelu", domain="com.microsoft"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "v", "b"], ["f_scale"], "gemm", alpha=2.0),
        helper.make_node("Gemm", ["f_scale", "u", "b"], ["scores"], "last"),
    ]
    generator = np.random.default_rng(4)
    constants = {
        "w": generator.normal(size=(4, 3, 6, 6)),
        "low": np.float32(0),
        "high": np.float32(np.inf),
        "v": generator.normal(size=(4, 4)),
        "u": generator.normal(size=(4, 4)),
        "b": generator.normal(size=4),
    }
    model = make_from_nodes(nodes, constants)
    before = model.SerializeToString()
    form, changes = quantizable_form(model)
    assert model.SerializeToString() == before
    onnx.checker.check_model(form)
    for word in ("empty inputs", "infinite bounds", "Gemm", "names that", "types of tensors"):
        assert sum(word in change for change in changes) == 1, word
    images = generator.normal(size=(5, 3, 6, 6)).astype(np.float32)
    found, expected = (
        InferenceSession(m.SerializeToString()).run(None, {"image": images})[0]
        for m in (form, model)
    )
    assert np.allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert quantizable_form(form)[1] == []
