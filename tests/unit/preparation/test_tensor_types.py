"""Types of tensors behind operators that onnx does not know."""

import numpy as np
from helpers import make_from_nodes
from onnx import TensorProto, helper
from ptq_comparison.preparation.tensor_types import add_tensor_types


def make(op_type, domain="com.microsoft"):
    nodes = [
        helper.make_node(op_type, ["image"], ["g"], "other", domain=domain),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "v"], ["scores"], "product"),
    ]
    return make_from_nodes(nodes, {"v": np.ones((108, 4))})


def test_types_behind_operators_of_onnxruntime_are_declared():
    model = make("Gelu")
    assert add_tensor_types(model) == "types of tensors that onnx cannot infer are declared (2)"
    declared = {value.name: value.type.tensor_type for value in model.graph.value_info}
    assert {name: kind.elem_type for name, kind in declared.items()} == {
        "g": TensorProto.FLOAT,
        "f": TensorProto.FLOAT,
    }
    assert [d.dim_value for d in declared["g"].shape.dim][1:] == [3, 6, 6]
    assert [value.name for value in model.graph.output] == ["scores"]
    assert add_tensor_types(model) == ""


def test_what_onnx_infers_stays_as_it_is():
    model = make("Relu", domain="")
    before = model.SerializeToString()
    assert add_tensor_types(model) == "" and model.SerializeToString() == before


def test_a_model_that_does_not_load_stays_as_it_is():
    """`check_runs` tells why."""
    model = make("Unheard")
    before = model.SerializeToString()
    assert add_tensor_types(model) == "" and model.SerializeToString() == before
