"""Where known values lie on the grids of a quantized model."""

import json

import numpy as np
import onnx
import pytest
from helpers import RAW
from onnx import TensorProto, helper, numpy_helper
from ptq_comparison.inference.batches import Batches
from ptq_comparison.quantization.activation_grids import Grid
from ptq_comparison.quantization.grid_use import measure_activations
from tqdm import tqdm


def make_model(batch="n"):
    """Return a model of the pixels minus 100, and their means."""
    graph = helper.make_graph(
        [
            helper.make_node("Sub", ["image", "hundred"], ["shifted"], name="sub"),
            helper.make_node("ReduceMean", ["shifted"], ["scores"], axes=[1, 2], keepdims=0),
        ],
        "known",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 2, 2, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(np.float32(100), "hundred")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


# 1,200 values: each of 0 to 199 six times.
IMAGES = np.repeat(np.arange(200, dtype=np.uint8), 6).reshape(100, 2, 2, 3)


def measure(grids, batch_size=64):
    model = make_model()
    batches = Batches.of(IMAGES, model, RAW, batch_size)
    return measure_activations(model, batches, grids, tqdm(disable=True))


def test_levels_and_share_are_those_of_the_values():
    image, shifted = measure({"image": Grid(1.0, 0, 256), "shifted": Grid(1.0, 100, 256)})
    assert (image["tensor"], image["op_type"]) == ("image", "input")
    # One step of either grid is 1: level = pixel. 0.5 % of 200 values is 1 value at each end.
    assert image["levels"] == shifted["levels"] == [0, 99, 198]
    assert image["share"] == shifted["share"] == 199 / 256
    assert (shifted["tensor"], shifted["op_type"]) == ("shifted", "Sub")
    assert (image["zero_level"], shifted["zero_level"]) == (0, 100)
    assert (shifted["low"], shifted["high"], shifted["grid"]) == (-100.0, 155.0, 256)
    assert image["clipped"] == shifted["clipped"] == 0


def test_a_scalar_constant_is_measured_once_a_batch():
    model = make_model()
    hundred = model.graph.initializer.pop()
    model.graph.node.insert(0, helper.make_node("Constant", [], ["hundred"], value=hundred))
    grids = {"image": Grid(1.0, 0, 256), "hundred": Grid(1.0, 0, 256)}
    batches = Batches.of(IMAGES, model, RAW, 64)
    _, constant = measure_activations(model, batches, grids, tqdm(disable=True))
    assert (constant["tensor"], constant["levels"]) == ("hundred", [100, 100, 100])


def test_a_stretched_range_uses_less_of_the_grid():
    (image,) = measure({"image": Grid(10.0, 0, 256)})
    assert image["levels"] == [0, 10, 20] and image["share"] == 21 / 256


def test_a_grid_of_16_bits_has_its_own_levels():
    (image,) = measure({"image": Grid(1 / 256, 0, 65536)})
    assert image["levels"] == [0, 256 * 99, 256 * 198]
    assert image["share"] == (256 * 198 + 1) / 65536


def test_values_beyond_the_range_are_clipped_and_counted():
    (image,) = measure({"image": Grid(99 / 255, 0, 256)})
    assert image["clipped"] == 0.5
    assert image["levels"][-1] == 255


def test_tensors_come_in_the_order_of_the_graph_whatever_the_batch():
    grid = Grid(1.0, 100, 256)
    whole = measure({"scores": grid, "shifted": grid, "image": grid}, 100)
    assert [row["tensor"] for row in whole] == ["image", "shifted", "scores"]
    assert measure({"scores": grid, "shifted": grid, "image": grid}, 7) == whole
    json.dumps(whole, allow_nan=False)


def test_the_model_itself_stays_as_it_is():
    model = make_model()
    before = model.SerializeToString()
    batches = Batches.of(IMAGES, model, RAW, 64)
    measure_activations(model, batches, {"shifted": Grid(1.0, 100, 256)}, tqdm(disable=True))
    assert model.SerializeToString() == before
    onnx.checker.check_model(model)


def test_repeated_images_that_fill_a_fixed_batch_do_not_count():
    """101 images in batches of 64: a fixed model fills the last one up with its last image."""
    images = np.concatenate([IMAGES, np.full((1, 2, 2, 3), 255, np.uint8)])
    grids = {"image": Grid(200 / 255, 0, 256), "shifted": Grid(200 / 255, 128, 256)}
    free, fixed = (
        measure_activations(model, Batches.of(images, model, RAW, 64), grids, tqdm(disable=True))
        for model in (make_model(), make_model(batch=64))
    )
    assert fixed == free
    assert free[0]["clipped"] == pytest.approx(1 / 101)
