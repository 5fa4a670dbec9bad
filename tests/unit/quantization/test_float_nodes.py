"""Kinds of nodes that a recipe leaves in float32."""

import numpy as np
import pytest
from helpers import make_from_nodes, make_network
from onnx import helper
from ptq_comparison.quantization.float_nodes import nodes_of_kinds, with_float_nodes

W = np.ones((3, 3, 1, 1))
CHAIN = make_network(
    [
        ("Mul", {}, {"scale": np.ones(1)}),
        ("Conv", {}, {"a": W}),
        ("Relu", {}, {}),
        ("Conv", {}, {"b": W}),
        ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}, {}),
        ("Conv", {}, {"c": W}),
        ("GlobalAveragePool", {}, {}),
        ("Flatten", {}, {}),
        ("Gemm", {}, {"d": np.ones((3, 4))}),
        ("Softmax", {}, {}),
    ]
)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("first_conv", ["mul0", "conv1"]),
        ("classifier", ["gemm8", "softmax9"]),
        ("pools", ["averagepool4", "globalaveragepool6"]),
        ("gates", []),
    ],
)
def test_each_kind_is_found_by_its_place_or_type(kind, expected):
    assert nodes_of_kinds(CHAIN, [kind]) == expected


def test_two_first_layers_and_branches_are_found():
    node = helper.make_node
    model = make_from_nodes(
        [
            node("Conv", ["image", "a"], ["x"], name="left"),
            node("Conv", ["image", "b"], ["y"], name="right"),
            node("Add", ["x", "y"], ["z"], name="add"),
            node("Conv", ["z", "c"], ["v"], name="last"),
            node("Add", ["v", "z"], ["w"], name="skip"),
            node("GlobalAveragePool", ["w"], ["p"], name="pool"),
            node("Flatten", ["p"], ["scores"], name="flatten"),
        ],
        dict.fromkeys("abc", W),
    )
    assert nodes_of_kinds(model, ["first_conv"]) == ["left", "right"]
    assert nodes_of_kinds(model, ["classifier"]) == ["last", "skip", "pool", "flatten"]


def gate_model():
    node = helper.make_node
    return make_from_nodes(
        [
            node("Conv", ["image", "a"], ["x"], name="conv"),
            node("GlobalAveragePool", ["x"], ["p"], name="squeeze"),
            node("Conv", ["p", "b"], ["e"], name="excite"),
            node("Add", ["e", "three"], ["f"], name="add"),
            node("Clip", ["f", "zero", "six"], ["g"], name="clip"),
            node("Div", ["g", "six"], ["h"], name="div"),
            node("Mul", ["x", "h"], ["y"], name="gate"),
            node("Mul", ["y", "three"], ["m"], name="constant"),
            node("Flatten", ["m"], ["scores"], name="flatten"),
        ],
        {
            "a": W,
            "b": W,
            "three": np.array(3.0),
            "zero": np.array(0.0),
            "six": np.array(6.0),
        },
    )


def test_a_gate_is_the_product_and_what_makes_its_factor():
    """Not a product with a constant, nor the convolution behind the factor."""
    assert nodes_of_kinds(gate_model(), ["gates"]) == ["add", "clip", "div", "gate"]


def test_they_stand_behind_the_names_that_are_given_once_each():
    recipe = {"float_nodes": ["pools", "classifier"], "nodes_to_exclude": ["softmax9", "relu2"]}
    found = with_float_nodes(CHAIN, recipe)
    assert found["nodes_to_exclude"] == [
        *("softmax9", "relu2"),
        *("averagepool4", "globalaveragepool6", "gemm8"),
    ]
    assert recipe["nodes_to_exclude"] == ["softmax9", "relu2"]


def test_nodes_without_a_name_have_the_one_that_they_are_excluded_by():
    model = make_network(
        [("Conv", {}, {"a": W}), ("GlobalAveragePool", {}, {}), ("Flatten", {}, {})]
    )
    for node in model.graph.node:
        node.name = ""
    assert nodes_of_kinds(model, ["pools"]) == ["globalaveragepool1"]
    assert nodes_of_kinds(model, []) == []
