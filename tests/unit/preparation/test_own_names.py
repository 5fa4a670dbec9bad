"""Names that the quantizer would make up are changed, those of inputs and outputs kept."""

import numpy as np
import onnx
import pytest
from helpers import make_from_nodes
from onnx import helper
from onnxruntime import InferenceSession
from ptq_comparison.preparation.own_names import own_names


def make(image="image", middle="m", names=("flatten", "product"), weight="w", scores="scores"):
    nodes = [
        helper.make_node("Flatten", [image], [middle], names[0]),
        helper.make_node("MatMul", [middle, weight], [scores], names[1]),
    ]
    model = make_from_nodes(nodes, {weight: np.arange(432.0).reshape(108, 4)})
    model.graph.input[0].name, model.graph.output[0].name = image, scores
    return model


def run(model):
    session = InferenceSession(model.SerializeToString())
    images = np.random.default_rng(2).normal(size=(2, 3, 6, 6)).astype(np.float32)
    return session.run(None, {session.get_inputs()[0].name: images})[0]


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({"weight": "m_scale"}, "m_scale is m_scale_renamed"),
        ({"weight": "m_zero_point"}, "m_zero_point is m_zero_point_renamed"),
        ({"weight": "m_quantized"}, "m_quantized is m_quantized_renamed"),
        ({"weight": "image_quantized_scale"}, "image_quantized_scale is image_quantized_scale_ren"),
        ({"middle": "w_DequantizeLinear_Output"}, "w_DequantizeLinear_Output is w_Dequ"),
        ({"names": ("m_QuantizeLinear", "a")}, "m_QuantizeLinear is m_QuantizeLinear_renamed"),
        ({"names": ("a", "a_quant")}, "a_quant is a_quant_renamed"),
        ({"middle": "w_ReduceMax_Reshape"}, "w_ReduceMax_Reshape is w_ReduceMax_Reshape_renamed"),
        # The names of the model's ends are kept: the other is changed.
        ({"image": "m_scale"}, "m is m_renamed"),
        ({"scores": "m_quantized"}, "m is m_renamed"),
        ({"image": "x", "scores": "x_quantized"}, "x is x_renamed"),
        ({"image": "y_scale", "scores": "y"}, "y is y_renamed"),
    ],
)
def test_a_name_that_would_be_made_up_is_changed(given, changed):
    model = make(**given)
    ends = [value.name for value in (*model.graph.input, *model.graph.output)]
    expected = run(model)
    said = own_names(model)
    assert said.startswith(f"names that the quantizer makes up are changed ({changed}")
    onnx.checker.check_model(model)
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == ends
    assert (run(model) == expected).all()


@pytest.mark.parametrize(
    "given",
    [{}, {"weight": "scale"}, {"weight": "other_scale"}, {"weight": "m_scales"}, {"middle": "w2"}],
)
def test_other_names_stay(given):
    model = make(**given)
    before = model.SerializeToString()
    assert own_names(model) == "" and model.SerializeToString() == before


def test_names_inside_of_graphs_are_changed_along():
    model = make(weight="m_scale")
    value = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    product = helper.make_node("Add", ["r", "m_scale_row"], ["y"])
    row = helper.make_node("ReduceMean", ["m_scale"], ["m_scale_row"], axes=[0])
    branch = helper.make_graph([row, product], "b", [], [value])
    model.graph.node[1].output[0] = "r"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(
        helper.make_node("If", ["yes"], ["scores"], "if", then_branch=branch, else_branch=branch)
    )
    expected = run(model)
    assert own_names(model)
    branch = model.graph.node[-1].attribute[0].g
    assert list(branch.node[0].input) == ["m_scale_renamed"]
    assert (run(model) == expected).all()
