"""Nodes that have to stay in float32, found in what onnxruntime made of them."""

import math

import numpy as np
import pytest
from helpers import RAW, Quantizer, make_from_nodes, make_images
from onnx import helper
from ptq_comparison.inference.batches import Batches
from ptq_comparison.quantization import quantize as module
from ptq_comparison.quantization.quantize import quantize_model
from ptq_comparison.quantization.repairs import NOT_CUT, OVERFLOW, cut, nodes_to_keep

IMAGES, _ = make_images(30, seed=3, side=6)
PIXELS = {**RAW, "layout": "NCHW", "scale": 1 / 255}
INT8 = {"activation_type": "QInt8", "weight_type": "QInt8"}
UINT8 = {"activation_type": "QUInt8", "weight_type": "QUInt8"}


def make(activation="Relu", bounds=(), bias=(0.5, -0.5, 0.1, 0.2), gain=1.0):
    generator = np.random.default_rng(1)
    names = ["low", "high"][: len(bounds)]
    nodes = [
        helper.make_node("Conv", ["image", "w", "b"], ["c"], "conv"),
        helper.make_node(activation, ["c", *names], ["r"], "cut"),
        helper.make_node("Conv", ["r", "v"], ["o"], "next"),
        helper.make_node("GlobalAveragePool", ["o"], ["a"], "pool"),
        helper.make_node("Flatten", ["a"], ["scores"], "flatten"),
    ]
    arrays = {
        "w": gain * generator.normal(size=(4, 3, 3, 3)) / 3,
        "b": np.array(bias),
        "v": generator.normal(size=(4, 4, 1, 1)),
        **{name: np.array(bound) for name, bound in zip(names, bounds, strict=True)},
    }
    return make_from_nodes(nodes, arrays)


DEAD = {"bias": [-50.0] * 4}
# The weights count beside a cut at 1, so that their grids cannot be coarser.
LARGE = {"activation": "Clip", "bounds": (0.0, 1.0), "gain": 1e-3, "bias": [1e4] * 4}


@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
@pytest.mark.parametrize(
    ("given", "types", "expected"),
    [
        ({}, INT8, {}),
        ({}, UINT8, {}),
        ({"activation": "Clip", "bounds": (0.0, 1.0)}, INT8, {}),
        ({"activation": "Clip", "bounds": (-0.5, 0.5)}, INT8, {}),
        ({"activation": "Clip", "bounds": (0.3, 1.0)}, UINT8, {"r": NOT_CUT}),
        ({"activation": "Clip", "bounds": (-1.0, -0.2)}, UINT8, {"r": NOT_CUT}),
        (DEAD, INT8, {"r": NOT_CUT}),
        (DEAD, UINT8, {}),
        (LARGE, UINT8, {"c": OVERFLOW}),
    ],
)
def test_what_is_kept_and_why(tmp_path, monkeypatch, format, given, types, expected):
    model = make(**given)
    quantizer = Quantizer(
        model, Batches.of(IMAGES, model, PIXELS, 30), tmp_path, format=format, **types
    )
    names = {node.output[0]: node.name for node in model.graph.node}
    kept = quantize_model(model, quantizer.path, quantizer.options).kept
    assert kept == {names[output]: reason for output, reason in expected.items()}
    quantizer.check(model, quantizer(model))
    monkeypatch.setattr(module, "nodes_to_keep", lambda *_: {})
    assert nodes_to_keep(model, quantizer(model)) == expected


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (helper.make_node("Relu", ["x"], ["y"]), (0, math.inf)),
        (helper.make_node("Clip", ["x"], ["y"]), (-math.inf, math.inf)),
        (helper.make_node("Clip", ["x"], ["y"], min=0.0, max=6.0), (0, 6)),
        (helper.make_node("Clip", ["x", "one", ""], ["y"]), (1, math.inf)),
        (helper.make_node("Clip", ["x", "", "one"], ["y"]), (-math.inf, 1)),
        (helper.make_node("Clip", ["x", "computed"], ["y"]), None),
    ],
)
def test_where_an_activation_cuts(node, expected):
    assert cut(node, {"one": 1.0}) == expected
