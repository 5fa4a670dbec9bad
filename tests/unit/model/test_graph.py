"""The order of nodes, which graphs inside nodes depend on, too."""

import numpy as np
import onnx
import pytest
from helpers import make_classifier, make_from_nodes
from onnx import TensorProto, helper
from ptq_comparison.model.graph import sort_nodes


def make():
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Neg", ["r"], ["y"])], "b", [], [value])
    nodes = [
        helper.make_node("Relu", ["image"], ["r"], "relu"),
        helper.make_node("If", ["yes"], ["n"], "if", then_branch=branch, else_branch=branch),
        helper.make_node("Add", ["r", "n"], ["s"], "add"),
        helper.make_node("Flatten", ["s"], ["scores"], "flatten"),
    ]
    return make_from_nodes(nodes, {"yes": np.array(True)}, ["batch", 108])


def names(model):
    return [node.name for node in model.graph.node]


def test_a_sorted_graph_stays_as_it_is():
    for model in (make(), make_classifier()):
        before = model.SerializeToString()
        sort_nodes(model.graph)
        assert model.SerializeToString() == before


def test_a_node_comes_behind_what_its_branches_read():
    model = make()
    nodes = [model.graph.node[place] for place in (1, 0, 2, 3)]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(model)
    sort_nodes(model.graph)
    onnx.checker.check_model(model)
    assert names(model) == ["relu", "if", "add", "flatten"]


def test_a_graph_with_a_cycle_keeps_its_nodes():
    model = make()
    model.graph.node[0].input[0] = "s"
    sort_nodes(model.graph)
    assert sorted(names(model)) == ["add", "flatten", "if", "relu"]
