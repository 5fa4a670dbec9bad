"""Which output holds the scores, of how many classes, and whether it is a probability."""

import onnx
import pytest
from helpers import make_from_nodes
from onnx import TensorProto, helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.model.graph import real_inputs
from ptq_comparison.model.interface import read_interface
from ptq_comparison.model.loading import load_model
from ptq_comparison.model.outputs import count_classes, cut_to_output, ends_in_probability


def node(op_type, given, made, **attributes):
    return helper.make_node(op_type, [given], [made], **attributes)


def value(name, shape, element=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element, shape)


def make_two_outputs():
    """Return a model of logits and of hidden states, which take a second input, too."""
    nodes = [
        node("Flatten", "image", "flat"),
        helper.make_node("MatMul", ["flat", "w"], ["scores"]),
        helper.make_node("Gemm", ["flat", "v"], ["h"]),
        helper.make_node("Add", ["h", "mask"], ["hidden"]),
    ]
    constants = {"w": [[0.1] * 4] * 108, "v": [[0.2] * 8] * 108}
    model = make_from_nodes(nodes, constants)
    model.graph.input.append(value("mask", ["batch", 8]))
    model.graph.output.append(value("hidden", ["batch", 8]))
    return model


def test_a_model_is_cut_to_the_output_that_is_named():
    model = make_two_outputs()
    assert cut_to_output(model, "scores") == [
        "cut to the output 'scores' of 2, as model.output asks"
    ]
    onnx.checker.check_model(model, full_check=True)
    assert [n.op_type for n in model.graph.node] == ["Flatten", "MatMul"]
    assert [i.name for i in model.graph.initializer] == ["w"]
    assert [i.name for i in real_inputs(model)] == ["image"]
    assert read_interface(model).classes == 4


def test_a_model_of_one_output_stays_as_it_is():
    model = make_two_outputs()
    cut_to_output(model, "scores")
    before = model.SerializeToString()
    assert cut_to_output(model, None) == cut_to_output(model, "scores") == []
    assert model.SerializeToString() == before


def test_outputs_are_listed_where_none_or_an_unknown_one_is_named():
    with pytest.raises(
        UserError,
        match=r"^model\.output: is not set, and the model has 2 outputs: 'scores' \(\?, 4\), "
        r"'hidden' \(\?, 8\); set it to the one",
    ):
        cut_to_output(make_two_outputs(), None)
    with pytest.raises(UserError, match=r"has no output 'logits'; it has 'scores' \(\?, 4\), 'hi"):
        cut_to_output(make_two_outputs(), "logits")
    model = make_two_outputs()
    for number in range(10):
        model.graph.output.append(value(f"more_{number}", None))
    with pytest.raises(UserError, match=r"'more_5' \(of an unknown shape\) and 4 more; set"):
        cut_to_output(model, None)


def test_what_is_cut_away_may_be_unsound(tmp_path):
    model = make_two_outputs()
    model.graph.output[1].type.tensor_type.ClearField("shape")
    model.graph.node.append(helper.make_node("Nonsense", ["hidden"], ["more"]))
    model.graph.output.append(value("more", None))
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(UserError, match="model"):
        load_model(tmp_path / "model.onnx")
    cut = load_model(tmp_path / "model.onnx", lambda model: cut_to_output(model, "scores"))
    assert [o.name for o in cut.graph.output] == ["scores"]


@pytest.mark.parametrize(
    ("shape", "batch", "classes"),
    [
        (["batch", 10], None, 10),
        (["batch", "classes"], None, None),
        (["batch", 10, 1, 1], None, 10),
        (["batch", 1, 1, 10], None, 10),
        (["batch", 10, "h", "w"], None, 10),
        ([5, 4, 1, 1], 5, 4),
        (["batch", 1], None, 2),
        (["batch"], None, 2),
        ([4], 4, 2),
        ([10], 1, 10),
        ([1], 1, 2),
        ([], 1, 2),
    ],
)
def test_classes_follow_from_the_shape(shape, batch, classes):
    assert count_classes(value("scores", shape), batch) == classes


def test_what_cannot_be_scores_is_refused():
    with pytest.raises(UserError, match=r"shape \(None, 2, 2, 1\); scores of shape"):
        count_classes(value("scores", ["batch", 2, 2, 1]), None)
    with pytest.raises(UserError, match=r"'label' is INT64; scores are needed"):
        count_classes(value("label", ["batch"], TensorProto.INT64), None)
    sequence = helper.make_tensor_sequence_value_info("maps", TensorProto.FLOAT, None)
    with pytest.raises(UserError, match=r"'maps' is UNDEFINED; scores are needed"):
        count_classes(sequence, None)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([node("Sigmoid", "x", "scores")], True),
        ([node("HardSigmoid", "x", "scores")], True),
        ([node("Relu", "x", "scores")], False),
        ([node("Sigmoid", "x", "p"), node("Neg", "p", "scores")], False),
        (
            [
                node("Sigmoid", "x", "p"),
                helper.make_node("QuantizeLinear", ["p", "s", "z"], ["q"]),
                helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
                helper.make_node("Reshape", ["d", "shape"], ["r"]),
                node("Squeeze", "r", "i"),
                node("Cast", "i", "c", to=TensorProto.FLOAT),
                node("Clip", "c", "scores"),
            ],
            True,
        ),
        (
            [
                helper.make_node(
                    "QLinearSigmoid", ["x", "s", "z", "s", "z"], ["q"], domain="com.microsoft"
                ),
                helper.make_node("DequantizeLinear", ["q", "s", "z"], ["scores"]),
            ],
            True,
        ),
        ([node("Softmax", "x", "p"), helper.make_node("Gather", ["p", "i"], ["scores"])], True),
        ([node("Identity", "scores", "b"), node("Identity", "b", "scores")], False),
        ([node("Identity", "image", "scores")], False),
        ([], False),
    ],
)
def test_the_end_of_the_graph_tells_probabilities_from_logits(nodes, expected):
    assert ends_in_probability(make_from_nodes(nodes, {})) is expected
