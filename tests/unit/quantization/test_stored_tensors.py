"""Where a quantized model holds the tensors of the float32 model."""

import numpy as np
import pytest
from helpers import RAW, Quantizer, make_from_nodes, make_images
from onnx import helper
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.layers import constants
from ptq_comparison.quantization.merged_model import merge, only_before
from ptq_comparison.quantization.stored_tensors import (
    Stored,
    dequantize,
    merged_activations,
    stored_tensors,
)

IMAGES, _ = make_images(30, seed=3, side=6)
PIXELS = {**RAW, "layout": "NCHW", "scale": 1 / 255}


def make():
    generator = np.random.default_rng(1)
    nodes = [
        helper.make_node("Conv", ["image", "w", "b"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("MaxPool", ["r"], ["m"], "max", kernel_shape=[2, 2]),
        helper.make_node("GlobalAveragePool", ["m"], ["a"], "pool"),
        helper.make_node("Flatten", ["a"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "v", "d"], ["scores"], "gemm"),
    ]
    arrays = {"w": generator.normal(size=(5, 3, 3, 3)), "b": generator.normal(size=5)}
    arrays |= {"v": generator.normal(size=(5, 4)), "d": generator.normal(size=4)}
    return make_from_nodes(nodes, arrays)


def quantize(model, folder, **options):
    return Quantizer(model, Batches.of(IMAGES, model, PIXELS, 30), folder, **options)(model)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
def test_every_constant_is_found_half_a_step_off_at_most(tmp_path, format, per_channel):
    model = make()
    quantized = quantize(model, tmp_path, format=format, per_channel=per_channel)
    stored, arrays = stored_tensors(model, quantized), constants(quantized)
    axes = {"w": 0, "b": 0, "v": 1, "d": 0}
    for name, values in constants(model).items():
        held = stored[name]
        found = dequantize(arrays[held.levels], held)
        assert found.dtype == np.float32 and found.shape == values.shape
        shape = [1] * values.ndim
        if per_channel:
            shape[axes[name]] = -1
            assert held.scale.size == values.shape[axes[name]]
        assert (np.abs(found - values) <= 0.501 * held.scale.reshape(shape)).all(), name


@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
def test_tensors_are_found_in_both_formats(tmp_path, format):
    model = make()
    quantized = quantize(model, tmp_path, format=format)
    stored = stored_tensors(model, quantized)
    assert [node.name for node in merged_activations(model, quantized)] == ["relu"]
    assert only_before(model, {"r"}) == {"c"} and only_before(model, set()) == set()
    for name in ("image", "r", "m", "a", "f", "scores"):
        assert stored[name].scale.size == 1, name
    assert (stored["m"].scale, stored["m"].zero_point) == (stored["r"].scale, 0)
    checked = {check.tensor: check.allowed for check in merge(model, quantized)[1]}
    assert set(checked) == {"image", "r", "m", "a", "f", "scores"}
    assert checked["image"] < 0.51 and max(checked.values()) < 1.01


def test_nodes_in_float_hold_their_tensors_as_they_are(tmp_path):
    model = make()
    quantized = quantize(model, tmp_path, op_types_to_quantize=["Gemm"])
    stored = stored_tensors(model, quantized)
    assert stored["w"] == Stored("w") and stored["r"] == Stored("r")
    assert not list(merged_activations(model, quantized))


@pytest.mark.parametrize(
    ("zero_point", "ends"),
    [(np.int8(-128), (0, 127.5)), (np.uint8(10), (-5, 122.5)), (np.uint16(0), (0, 32767.5))],
)
def test_ends_of_a_grid(zero_point, ends):
    assert Stored(None, "q", np.float32(0.5), np.asarray(zero_point)).ends == ends


def test_levels_by_channel_are_dequantized_along_their_axis():
    scale, zero = np.array([1, 10], np.float32), np.array([0, 1], np.int8)
    levels = np.array([[1, 2], [3, 4]], np.int8)
    for axis, expected in (
        (0, [[1, 2], [20, 30]]),
        (1, [[1, 10], [3, 30]]),
        (-1, [[1, 10], [3, 30]]),
    ):
        assert dequantize(levels, Stored(None, "q", scale, zero, axis)).tolist() == expected
