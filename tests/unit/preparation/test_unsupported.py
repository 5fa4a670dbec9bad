"""What no form can mend is refused; what only looks like it passes."""

import numpy as np
import pytest
from helpers import make_from_nodes
from onnx import TensorProto, helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.preparation.unsupported import check_supported

END = [
    helper.make_node("Flatten", ["x"], ["f"], "flatten"),
    helper.make_node("MatMul", ["f", "v"], ["scores"], "product"),
]
ONES = {name: np.ones(3) for name in ("scale", "mean", "variance")}


def make(node, opset=14, **constants):
    return make_from_nodes([node, *END], {"v": np.ones((108, 4)), **constants}, opset=opset)


def dropout(*inputs, opset=14, **constants):
    return make(helper.make_node("Dropout", ["image", *inputs], ["x"], "d"), opset, **constants)


def normalization(*outputs, opset=14, **attributes):
    inputs = ["image", "scale", "mean", "mean", "variance"]
    node = helper.make_node("BatchNormalization", inputs, ["x", *outputs], "b", **attributes)
    return make(node, opset, **ONES)


def branch(node):
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "inner", [], [value])
    choose = helper.make_node("If", ["yes"], ["x"], "if", then_branch=graph, else_branch=graph)
    return make(choose, yes=np.array(True), w=np.ones((3, 3, 1, 1)))


HALF, ZERO, TRUE, FALSE = np.float32(0.5), np.float32(0), np.array(True), np.array(False)
MODE = r"Dropout 'd' is in training mode"


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (dropout("r", "m", r=HALF, m=TRUE), MODE),
        (dropout("", "m", m=TRUE), MODE),
        (dropout("r", "unknown", r=HALF), MODE),
        (normalization(training_mode=1), r"BatchNormalization 'b' is in training mode"),
        (normalization("m", "s", opset=13), r"BatchNormalization 'b' is in training mode"),
        (make(helper.make_node("RandomNormalLike", ["image"], ["x"], "r")), r"RandomNormalLike 'r"),
        (branch(helper.make_node("RandomNormalLike", ["image"], ["y"], "r")), r"gives other valu"),
        (branch(helper.make_node("Conv", ["image", "w"], ["y"], "c")), r"If 'if' holds Conv 'c'"),
        (
            make(helper.make_node("FusedConv", ["image", "w"], ["x"], "c", domain="com.microsoft"),
                 w=np.ones((3, 3, 1, 1))),
            r"FusedConv of com\.microsoft; the first is 'c'",
        ),
    ],
)  # fmt: skip
def test_it_is_refused(model, line):
    with pytest.raises(UserError, match=rf"^model\.source: .*{line}") as error:
        check_supported(model)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "model",
    [
        dropout(),
        dropout("r", r=HALF),
        dropout("r", "m", r=HALF, m=FALSE),
        dropout("r", "m", r=ZERO, m=TRUE),
        dropout("r", "", r=HALF),
        dropout(opset=11),
        normalization(),
        normalization("", "", opset=13),
        branch(helper.make_node("Neg", ["image"], ["y"])),
        make(helper.make_node("Gelu", ["image"], ["x"], "g", domain="com.microsoft")),
    ],
)
def test_it_passes(model):
    check_supported(model)
