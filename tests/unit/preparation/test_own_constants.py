"""A constant of its own for each use that needs a scale of its own."""

import numpy as np
import onnx
import pytest
from helpers import make_from_nodes
from onnx import helper
from ptq_comparison.preparation.own_constants import own_constants

SQUARE, ROW = np.eye(4), np.arange(4.0)


def gemm(number, *inputs, **attributes):
    return helper.make_node("Gemm", inputs, [f"g{number}"], f"gemm{number}", **attributes)


def make(*nodes, **constants):
    """Return a model whose nodes read the features x, (batch, 4), and end in g2."""
    start = [
        helper.make_node("Flatten", ["image"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "start"], ["x"], "matmul"),
    ]
    end = helper.make_node("Identity", ["g2"], ["scores"], "end")
    return make_from_nodes([*start, *nodes, end], {"start": np.ones((108, 4)), **constants})


def read(model):
    """Return the names that the nodes between x and g2 read, beside tensors."""
    names = {i.name for i in model.graph.initializer}
    return [[n for n in node.input if n in names] for node in model.graph.node[2:-1]]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # Biases have the scales of input and weight.
        (
            make(gemm(1, "x", "w", "b"), gemm(2, "g1", "v", "b"), w=SQUARE, v=2 * SQUARE, b=ROW),
            [["w", "b"], ["v", "b_copy"]],
        ),
        # Weights are taken by rows, or by columns.
        (
            make(gemm(1, "x", "w"), gemm(2, "g1", "w", transB=1), w=SQUARE),
            [["w"], ["w_copy"]],
        ),
        (make(gemm(1, "x", "w"), gemm(2, "g1", "w"), w=SQUARE), [["w"], ["w"]]),
        (
            make(
                gemm(1, "x", "w", "b"),
                helper.make_node("Add", ["g1", "b"], ["g2"], "add"),
                w=SQUARE,
                b=ROW,
            ),
            [["w", "b"], ["b_copy"]],
        ),
        # Operands have the scale of their values.
        (
            make(
                helper.make_node("Add", ["x", "b"], ["g1"], "add"),
                helper.make_node("Mul", ["g1", "b"], ["g2"], "mul"),
                b=ROW,
            ),
            [["b"], ["b"]],
        ),
        # A bound stays float32, an operand does not.
        (
            make(
                helper.make_node("Clip", ["x", "low"], ["g1"], "clip"),
                helper.make_node("Add", ["g1", "low"], ["g2"], "add"),
                low=np.float32(0),
            ),
            [["low"], ["low_copy"]],
        ),
        (
            make(
                helper.make_node("Pad", ["x", "pads", "fill"], ["g1"], "pad1"),
                helper.make_node("Pad", ["g1", "pads", "fill"], ["g2"], "pad2"),
                pads=np.array([0, 0, 0, 0]),
                fill=np.float32(1),
            ),
            [["pads", "fill"], ["pads", "fill_copy"]],
        ),
        # One node that uses a constant in two ways
        (
            make(gemm(1, "x", "w"), gemm(2, "w", "w"), w=SQUARE),
            [["w"], ["w_copy", "w"]],
        ),
    ],
)
def test_who_gets_a_copy(model, expected):
    before = model.SerializeToString()
    constants = len(model.graph.initializer)
    said = own_constants(model)
    onnx.checker.check_model(model)
    assert read(model) == expected
    copied = len(model.graph.initializer) - constants
    assert said == (f"constants that need several scales are copied ({copied})" if copied else "")
    assert copied or model.SerializeToString() == before
    again = model.SerializeToString()
    assert own_constants(model) == "" and model.SerializeToString() == again


def test_a_constant_that_a_branch_reads_stays_in_float():
    value = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "b", [], [value])
    choose = helper.make_node("If", ["yes"], ["g1"], "if", then_branch=branch, else_branch=branch)
    model = make(choose, gemm(2, "g1", "w"), yes=np.array(True), w=SQUARE)
    assert own_constants(model)
    assert read(model) == [["yes"], ["w_copy"]]
    assert branch == model.graph.node[2].attribute[0].g
