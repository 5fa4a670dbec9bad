"""Small changes of a graph that keep what it computes."""

import numpy as np
import onnx
import pytest
from helpers import make_from_nodes
from onnx import TensorProto, helper
from onnxruntime import InferenceSession
from ptq_comparison.preparation.graph_form import (
    drop_empty_ends,
    drop_infinite_bounds,
    show_readers,
)

WEIGHT = np.random.default_rng(1).normal(size=(4, 3, 6, 6))
CONV = helper.make_node("Conv", ["image", "w"], ["c"], "conv")
FLAT = helper.make_node("Flatten", ["r"], ["scores"], "flatten")


def run(model):
    session = InferenceSession(model.SerializeToString())
    images = np.random.default_rng(2).normal(size=(5, 3, 6, 6)).astype(np.float32)
    return session.run(None, {"image": images})[0]


def clip(*bounds, **constants):
    nodes = [CONV, helper.make_node("Clip", ["c", *bounds], ["r"], "clip"), FLAT]
    return make_from_nodes(nodes, {"w": WEIGHT, **constants})


def test_empty_ends_are_dropped_and_those_within_are_kept():
    model = clip("", "high", high=np.float32(1))
    model.graph.node[0].input.append("")
    expected = run(model)
    assert drop_empty_ends(model) == "empty inputs or outputs at the end of nodes are dropped (1)"
    assert [list(node.input) for node in model.graph.node[:2]] == [
        ["image", "w"],
        ["c", "", "high"],
    ]
    assert np.allclose(run(model), expected, atol=1e-5)
    assert drop_empty_ends(model) == ""


@pytest.mark.parametrize(
    ("model", "inputs", "dropped"),
    [
        (clip("a", "b", a=np.float32(0), b=np.float32(np.inf)), ["c", "a"], 1),
        (clip("a", "b", a=np.float32(-np.inf), b=np.float32(1)), ["c", "", "b"], 1),
        (clip("a", "b", a=np.float32(-np.inf), b=np.float32(np.inf)), ["c"], 2),
        (clip("a", a=np.float32(-np.inf)), ["c"], 1),
        (clip("a", "b", a=np.float32(0), b=np.float32(6)), ["c", "a", "b"], 0),
        (clip("", "b", b=np.float32(-np.inf)), ["c", "", "b"], 0),
    ],
)
def test_bounds_that_cut_nothing_are_dropped(model, inputs, dropped):
    expected = run(model)
    said = f"infinite bounds of Clip are dropped ({dropped})" if dropped else ""
    assert drop_infinite_bounds(model) == said
    assert list(model.graph.node[1].input) == inputs
    assert (run(model) == expected).all()


def with_branch(read, scores="flatten"):
    """Return a model whose If reads a tensor of the main graph."""
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Neg", [read], ["y"])], "b", [], [value])
    nodes = [
        CONV,
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("If", ["yes"], ["n"], "if", then_branch=branch, else_branch=branch),
        helper.make_node("Add", ["r", "n"], ["s"], "add"),
        helper.make_node("Flatten", ["s"], ["scores"], scores),
    ]
    return make_from_nodes(nodes, {"w": WEIGHT, "yes": np.array(True)})


@pytest.mark.parametrize("read", ["c", "r"])
def test_what_a_branch_reads_passes_an_identity(read):
    model = with_branch(read)
    expected = run(model)
    assert show_readers(model) == "tensors that other graphs read pass an Identity (1)"
    onnx.checker.check_model(model)
    (identity,) = [node for node in model.graph.node if node.op_type == "Identity"]
    assert list(identity.output) == [read]
    assert read not in {name for node in model.graph.node for name in node.input}
    assert (run(model) == expected).all()


def test_an_output_that_a_node_reads_passes_an_identity():
    nodes = [
        helper.make_node("Flatten", ["image"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "v"], ["scores"], "product"),
        helper.make_node("Relu", ["scores"], ["unused"], "relu"),
    ]
    model = make_from_nodes(nodes, {"v": np.ones((108, 4))})
    assert show_readers(model) == "tensors that other graphs read pass an Identity (1)"
    onnx.checker.check_model(model)
    assert model.graph.output[0].name == "scores"
    before = model.SerializeToString()
    model = make_from_nodes(nodes[:2], {"v": np.ones((108, 4))})
    before = model.SerializeToString()
    assert show_readers(model) == "" and model.SerializeToString() == before
