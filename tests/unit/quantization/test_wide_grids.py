"""Coarser grids of weights beside which a bias would overflow 32 bits."""

import logging

import numpy as np
import onnx
import pytest
from helpers import RAW, Quantizer, make_from_nodes, make_images, make_network
from onnx import helper
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.layers import constants
from ptq_comparison.model.metadata import read_metadata
from ptq_comparison.quantization import quantize as module
from ptq_comparison.quantization.checks import check_stored
from ptq_comparison.quantization.quantize import quantize, quantize_model
from ptq_comparison.quantization.repairs import OVERFLOW
from ptq_comparison.quantization.stored_tensors import Stored, dequantize, stored_tensors
from ptq_comparison.quantization.wide_grids import LARGEST_BIAS, WideGrid, largest_sums

IMAGES, _ = make_images(30, seed=3, side=6)
PIXELS = {**RAW, "layout": "NCHW", "scale": 1 / 255}
TYPES = {
    "int8": {"activation_type": "QInt8", "weight_type": "QInt8"},
    "uint8": {"activation_type": "QUInt8", "weight_type": "QUInt8"},
    # onnxruntime does not widen such scales.
    "int8, not symmetric": {
        "activation_type": "QInt8",
        "weight_type": "QInt8",
        "extra_options": {"WeightSymmetric": False},
    },
}
ONE = "the weight grid of 1 channel is coarser, so that the bias fits into 32 bits"
WHOLE = "the weight grid is coarser, so that the bias fits into 32 bits"
BIAS = np.array([1.0, -0.5, 0.25, 0.5])


def weights(gains, inputs=3, seed=1):
    gains = np.reshape(gains, (-1, 1, 1, 1))
    return gains * np.random.default_rng(seed).normal(size=(4, inputs, 3, 3)) / 3


def make(weight, bias=BIAS, activation="Relu"):
    nodes = [
        helper.make_node("Conv", ["image", "w", "b"], ["c"], "conv"),
        helper.make_node(activation, ["c"], ["r"], "activation"),
        helper.make_node("Conv", ["r", "v"], ["o"], "next"),
        helper.make_node("GlobalAveragePool", ["o"], ["a"], "pool"),
        helper.make_node("Flatten", ["a"], ["scores"], "flatten"),
    ]
    second = np.random.default_rng(2).normal(size=(4, 4, 1, 1))
    return make_from_nodes(nodes, {"w": weight, "b": bias, "v": second})


def make_quantizer(model, folder, **options):
    return Quantizer(model, Batches.of(IMAGES, model, PIXELS, 30), folder, **options)


def levels_of(name, model, made):
    stored = stored_tensors(model, made)[name]
    return constants(made)[stored.levels], stored


def run(model, optimize=True):
    session = make_session(model, threads=1, optimize=optimize)
    return session.run(None, next(iter(Batches.of(IMAGES, model, PIXELS, 30))).inputs)[0]


@pytest.mark.parametrize("activation", ["Relu", "Identity"])
@pytest.mark.parametrize("gain", [1e-30, 1e-20, 1e-10, 1e-8])
@pytest.mark.parametrize(
    ("types", "per_channel"),
    [("uint8", True), ("uint8", False), ("int8, not symmetric", False)],
)
def test_dead_channels_get_coarser_grids(tmp_path, types, per_channel, gain, activation):
    model = make(weights([gain, *[1 if per_channel else gain] * 3]), activation=activation)
    quantizer = make_quantizer(model, tmp_path, per_channel=per_channel, **TYPES[types])
    made, kept, _, coarser = quantize_model(model, quantizer.path, quantizer.options)
    assert not kept and coarser == {"conv": ONE if per_channel else WHOLE}
    check_stored(made, quantizer.options)
    quantizer.check(model, made)
    (bias, grid), floats = levels_of("b", model, made), constants(model)
    largest = np.abs(bias).max()
    assert largest == pytest.approx(LARGEST_BIAS, rel=1e-6)
    assert np.allclose(dequantize(bias, grid), floats["b"], rtol=1e-6, atol=1e-5)
    step = np.ptp(run(model)) / 64
    for optimize in (False, True):
        assert np.abs(run(made, optimize) - run(model)).max() < step


def test_the_grids_of_other_channels_stay(tmp_path, monkeypatch):
    model = make(weights([1, 1e-30, 1, 1]))
    quantizer = make_quantizer(model, tmp_path, per_channel=True, **TYPES["uint8"])
    wide = levels_of("w", model, quantizer(model))
    monkeypatch.setattr(module, "nodes_to_keep", lambda *_: {})
    plain = levels_of("w", model, quantizer(model))
    others = [0, 2, 3]
    assert np.array_equal(wide[0][others], plain[0][others])
    assert np.array_equal(wide[1].scale[others], plain[1].scale[others])
    assert wide[1].scale[1] > 1e20 * plain[1].scale[1]


@pytest.mark.parametrize("reduce_range", [False, True])
def test_a_model_of_dead_channels_alone_is_stored_as_asked_for(tmp_path, reduce_range):
    """All levels are that of 0, 128 or 64, which tells nothing of 7 or 8 bits."""
    layers = [("Conv", {}, {"w": weights([1e-30] * 4), "b": BIAS}), ("GlobalAveragePool", {}, {})]
    model = make_network([*layers, ("Flatten", {}, {})], side=6)
    options = {"per_channel": True, "reduce_range": reduce_range, **TYPES["uint8"]}
    quantizer = make_quantizer(model, tmp_path, **options)
    made = quantizer(model)
    check_stored(made, quantizer.options)
    assert np.unique(levels_of("w", model, made)[0]).tolist() == [64 if reduce_range else 128]


@pytest.mark.parametrize("attributes", [{}, {"transB": 1}])
def test_products_have_channels_along_either_axis(tmp_path, attributes):
    weight = np.random.default_rng(0).normal(size=(108, 5)) * [1, 1e-20, 1, 1e-9, 1]
    weight = weight.T if attributes else weight
    layers = [("Flatten", {}, {}), ("Gemm", attributes, {"w": weight, "b": np.ones(5)})]
    model = make_network(layers, side=6)
    quantizer = make_quantizer(model, tmp_path, per_channel=True, **TYPES["uint8"])
    made, kept, _, coarser = quantize_model(model, quantizer.path, quantizer.options)
    assert not kept and coarser == {
        "gemm1": "weight grids of 2 channels are coarser, so that the bias fits into 32 bits"
    }
    quantizer.check(model, made)
    check_stored(made, quantizer.options)


@pytest.mark.parametrize("shared", [False, True])
def test_what_cannot_be_coarser_stays_in_float(tmp_path, shared):
    """The bound is an eighth of a step of the result, for all that read the weight."""
    model = make(weights([1e-8] * 4))
    if shared:  # the second result has so fine a grid that the weights count
        nodes = list(model.graph.node)
        extra = [
            helper.make_node("Conv", ["image", "w"], ["fine"], "fine", auto_pad="VALID"),
            helper.make_node("Add", ["r", "fine"], ["s"], "sum"),
        ]
        nodes[2].input[0] = "s"
        del model.graph.node[:]
        model.graph.node.extend([*nodes[:2], *extra, *nodes[2:]])
    quantizer = make_quantizer(model, tmp_path, per_channel=False, **TYPES["uint8"])
    made, kept, float_model, coarser = quantize_model(model, quantizer.path, quantizer.options)
    assert (kept, coarser) == (({"conv": OVERFLOW}, {}) if shared else ({}, {"conv": WHOLE}))
    quantizer.check(float_model, made)


@pytest.mark.parametrize("sizes", [(1, 9), (9, 1)])
def test_a_shared_weight_gets_the_grid_that_both_biases_need(tmp_path, sizes):
    model = make(weights([1e-20] * 4), sizes[0] * np.ones(4))
    nodes = list(model.graph.node)
    model.graph.initializer.add().CopyFrom(
        onnx.numpy_helper.from_array(np.full(4, sizes[1], np.float32), "b2")
    )
    extra = [
        helper.make_node("Conv", ["image", "w", "b2"], ["second"], "second"),
        helper.make_node("Add", ["r", "second"], ["s"], "sum"),
    ]
    nodes[2].input[0] = "s"
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:2], *extra, *nodes[2:]])
    quantizer = make_quantizer(model, tmp_path, per_channel=False, **TYPES["uint8"])
    made, kept, _, coarser = quantize_model(model, quantizer.path, quantizer.options)
    assert not kept and coarser == {"conv": WHOLE, "second": WHOLE}
    quantizer.check(model, made)
    found = [np.abs(levels_of(name, model, made)[0]).max() for name in ("b", "b2")]
    assert found == pytest.approx([LARGEST_BIAS * size / 9 for size in sizes], rel=1e-6)


def test_operators_on_integers_have_no_grids_of_their_own(tmp_path):
    model = make(weights([1e-20] * 4))
    options = {"format": "QOperator", "per_channel": False, **TYPES["uint8"]}
    quantizer = make_quantizer(model, tmp_path, **options)
    found = quantize_model(model, quantizer.path, quantizer.options)
    assert found.kept == {"conv": OVERFLOW} and not found.coarser


@pytest.mark.parametrize("types", ["int8", "uint8"])
def test_products_fit_into_32_bits_beside_the_bias(tmp_path, types):
    """onnxruntime leaves 1/10,000 for them, and its kernels then give 0 in place of 1."""
    rows = np.abs(np.random.default_rng(0).normal(size=(4, 2304))) * 1e-7
    model = make_network(
        [
            ("Conv", {}, {"u": np.full((64, 3, 1, 1), 1 / 3)}),
            ("Conv", {}, {"w": rows.reshape(4, 64, 6, 6), "b": np.array([0.5, 0.9, 1.2, 1.0])}),
            ("Flatten", {}, {}),
        ],
        side=6,
    )
    quantizer = make_quantizer(model, tmp_path, per_channel=True, **TYPES[types])
    made = quantize_model(model, quantizer.path, quantizer.options)
    assert np.abs(run(made.model) - run(model)).max() < 1.2 / 255
    assert not made.kept and set(made.coarser) == {"conv1"}


def test_inputs_of_16_bits_have_no_kernels_that_overflow(tmp_path):
    """65,535 * 127 * 300 is more than 32 bits; the operator runs in float32."""
    weight = np.ones((300, 4))
    layers = [
        ("Conv", {}, {"u": np.ones((300, 3, 1, 1))}),
        ("GlobalAveragePool", {}, {}),
        ("Flatten", {}, {}),
        ("Gemm", {}, {"w": weight, "b": np.ones(4)}),
    ]
    model = make_network(layers, side=6)
    types = {"activation_type": "QUInt16", "weight_type": "QInt8"}
    found = quantize_model(model, (q := make_quantizer(model, tmp_path, **types)).path, q.options)
    assert not found.kept and not found.coarser


def test_log_and_metadata_tell(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    model = make(weights([1, 1e-30, 1, 1]))
    quantizer = make_quantizer(model, tmp_path, per_channel=True, **TYPES["uint8"])
    paths = tmp_path / "made.onnx", tmp_path / "check.json"
    given = {"model_sha256": "0" * 64, "method": "MinMax", "options": {}}
    quantize(model, quantizer.path, *paths, given, quantizer.batches, **quantizer.options)
    assert read_metadata(onnx.load(paths[0]))["coarser_weights"] == {"conv": ONE}
    assert f"'conv': {ONE}" in caplog.text


def test_the_largest_sum_is_that_of_a_channel():
    node = helper.make_node("Gemm", ["x", "w"], ["y"])
    grid = Stored("x", "x_levels", np.float32(0.5), np.uint8(255))
    assert largest_sums(node, np.array([[1.0, -2.0], [-3.0, 4.0]]), grid).tolist() == [510, 765]


def test_one_channel_and_a_whole_tensor_are_overridden_alike():
    grid = WideGrid(np.float32([0.5, 2]), np.uint8([128, 128]), 1, np.array([False, True]))
    assert grid.describe() == ONE
    assert grid.overrides == [
        {"scale": 0.5, "zero_point": 128, "axis": 1},
        {"scale": 2.0, "zero_point": 128},
    ]
    whole = WideGrid(np.float32(2), np.uint8(7), 0, np.bool_(True))
    assert whole.overrides == [{"scale": 2.0, "zero_point": 7}] and whole.describe() == WHOLE
