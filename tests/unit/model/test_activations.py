"""Bytes of the activations of an image."""

import numpy as np
import pytest
from helpers import make_classifier, make_network
from onnx import helper
from ptq_comparison.model.activations import UNKNOWN, activations
from ptq_comparison.model.interface import read_interface

PIXELS = 8 * 8
IMAGE = (8, 8, 3)
BYTES = 4 * 3 * PIXELS  # of the image as float32


def measure(model, image=IMAGE):
    return activations(model, read_interface(model), image)


def wide_network(batch="batch", side=8):
    """Four and then two channels of the size of the image, their means, and two scores."""
    layers = [
        ("Conv", {"pads": [1, 1, 1, 1]}, {"w": np.zeros((4, 3, 3, 3))}),
        ("Relu", {}, {}),
        ("Conv", {}, {"v": np.zeros((2, 4, 1, 1))}),
        ("GlobalAveragePool", {}, {}),
        ("Flatten", {}, {}),
    ]
    return make_network(layers, side=side, batch=batch)


def test_all_tensors_count_and_those_that_live_together():
    found = measure(wide_network())
    assert found.total == 4 * (4 + 4 + 2) * PIXELS + 4 * (2 + 2)
    assert found.alive == 4 * (4 + 4) * PIXELS  # the first convolution, and its Relu
    assert found.largest == 4 * 4 * PIXELS


def test_the_size_of_the_image_decides_where_the_model_leaves_it_open():
    model = wide_network(side="side")
    small, large = measure(model), measure(model, (16, 16, 3))
    assert small == measure(wide_network())
    assert (large.alive, large.largest) == (4 * small.alive, 4 * small.largest)


def test_a_tensor_that_is_read_later_lives_until_then():
    model = make_network(
        [("Relu", {}, {}), ("Neg", {}, {}), ("Neg", {}, {}), ("Identity", {}, {})], side=8
    )
    before = measure(model).alive
    model.graph.node[-1].CopyFrom(helper.make_node("Add", ["neg2", "relu0"], ["identity3"]))
    assert (before, measure(model).alive) == (2 * BYTES, 3 * BYTES)


def test_both_layouts_take_the_same():
    nchw, nhwc = (measure(make_classifier(layout)) for layout in ("NCHW", "NHWC"))
    assert nhwc.total - nchw.total == BYTES  # what its Transpose gives


def test_a_fixed_batch_is_divided_among_its_images():
    assert measure(wide_network(batch=4)) == measure(wide_network())


def test_a_tensor_of_unknown_shape_counts_as_a_large_one():
    model = wide_network()
    model.graph.node[1].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    found = measure(model)
    # The Relu, and all that follows from it
    assert found.largest == UNKNOWN * BYTES and found.total >= 3 * UNKNOWN * BYTES


def test_what_is_computed_from_constants_is_no_activation():
    """As quantized weights, which are dequantized in the graph."""
    model = wide_network()
    before = measure(model)
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == "w")
    weight.name = "stored"
    model.graph.node.insert(0, helper.make_node("Neg", ["stored"], ["w"]))
    assert measure(model) == before


@pytest.mark.parametrize("channels", [3, 40])
def test_weights_are_no_activations(channels):
    layers = [
        ("GlobalAveragePool", {}, {}),
        ("Conv", {}, {"w": np.zeros((channels, 3, 1, 1))}),
        ("Conv", {}, {"v": np.zeros((3, channels, 1, 1))}),
        ("Flatten", {}, {}),
    ]
    assert measure(make_network(layers)).largest == BYTES
