"""Rounding that compensates: better than to the nearest level, and onnxruntime keeps the levels."""

import itertools

import numpy as np
import pytest
from helpers import RAW, Quantizer, make_network
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.layers import constants
from ptq_comparison.quantization.checks import check_stored
from ptq_comparison.quantization.quantized_weights import stored_weights
from ptq_comparison.refinement.gptq import WeightGrid, round_rows, round_weights

NCHW = {**RAW, "layout": "NCHW", "scale": 1 / 255}


def make_smooth_images():
    """Noise on four squares: neighbouring pixels resemble each other, as in real images."""
    generator = np.random.default_rng(8)
    squares = generator.integers(0, 200, (40, 2, 2, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return (squares + generator.integers(0, 56, (40, 8, 8, 3))).astype(np.uint8)


IMAGES = make_smooth_images()


@pytest.fixture
def generator():
    return np.random.default_rng(8)


def free_grid(rows, limit=10):
    """The integers from -limit to limit, with nothing pinned."""
    ends = np.full((len(rows), 1), limit, np.float32)
    return WeightGrid(np.ones_like(ends), -ends, ends, np.zeros(rows.shape, bool))


def correlated_hessian(generator, k):
    """Inputs of which each resembles the others, as neighbouring pixels do."""
    inputs = generator.normal(size=(k, 200)) + 2 * generator.normal(size=200)
    return inputs @ inputs.T


def output_error(rows, rounded, hessian):
    return np.einsum("ri,ij,rj->r", rounded - rows, hessian, rounded - rows)


@pytest.mark.parametrize("k", [2, 3])
def test_error_is_near_that_of_the_best_of_all_roundings(generator, k):
    rows = generator.normal(size=(50, k), scale=2).astype(np.float32)
    hessian = correlated_hessian(generator, k)
    error = output_error(rows, round_rows(rows, hessian, free_grid(rows)), hessian)
    nearest = output_error(rows, np.rint(rows), hessian)
    offsets = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=k)))
    best = np.min([output_error(rows, np.rint(rows) + o, hessian) for o in offsets], axis=0)
    assert (error >= best - 1e-6 * nearest).all()
    assert error.sum() <= 1.15 * best.sum()
    assert error.sum() < 0.8 * nearest.sum()


def test_two_equal_inputs_are_rounded_apart():
    """0.4 + 0.4 is nearer to 1 + 0 than to 0 + 0, if both are multiplied with the same."""
    rows = np.array([[0.4, 0.4]], np.float32)
    assert round_rows(rows, np.ones((2, 2)), free_grid(rows)).tolist() == [[0, 1]]


def test_inputs_without_correlation_give_the_nearest_level(generator):
    rows = generator.normal(size=(20, 6), scale=3).astype(np.float32)
    hessian = np.diag(generator.uniform(0, 5, 6))
    assert np.array_equal(round_rows(rows, hessian, free_grid(rows)), np.rint(rows))
    assert np.array_equal(round_rows(rows, np.zeros((6, 6)), free_grid(rows)), np.rint(rows))


def test_limits_hold_and_pinned_weights_stay(generator):
    rows = generator.normal(size=(30, 5), scale=3).astype(np.float32)
    grid = free_grid(rows, limit=3)
    grid.pinned[:, 2] = True
    rounded = round_rows(rows, correlated_hessian(generator, 5), grid)
    assert np.array_equal(rounded[:, 2], rows[:, 2])
    free = np.delete(rounded, 2, axis=1)
    assert np.abs(free).max() == 3 and np.array_equal(free, np.rint(free))


def network():
    """Every kind of layer: plain, grouped and depthwise convolution, Gemm both ways, MatMul."""
    generator = np.random.default_rng(4)

    def weight(*shape):
        return generator.normal(size=shape, scale=0.2)

    return make_network(
        [
            ("Conv", {"pads": [1, 1, 1, 1]}, {"w0": weight(8, 3, 3, 3), "b0": np.ones(8)}),
            ("Relu", {}, {}),
            ("Conv", {"group": 2, "strides": [2, 2]}, {"w2": weight(4, 4, 3, 3), "b2": np.ones(4)}),
            ("Relu", {}, {}),
            (
                "Conv",
                {"group": 4, "auto_pad": "SAME_UPPER"},
                {"w4": weight(4, 1, 3, 3), "b4": np.ones(4)},
            ),
            ("Relu", {}, {}),
            ("Flatten", {}, {}),
            ("Gemm", {"transB": 1}, {"w7": weight(6, 36), "b7": np.zeros(6)}),
            ("Gemm", {}, {"w8": weight(6, 9), "b8": np.zeros(9)}),
            ("MatMul", {}, {"w9": weight(9, 4) + 0.05}),
        ]
    )


WEIGHTS = ("w0", "w2", "w4", "w7", "w8", "w9")
LEVELS = {"QInt8": (-128, 127), "QUInt8": (0, 255)}
OPTIONS = [
    {"format": format, "weight_type": weight_type, "per_channel": channels, "reduce_range": reduced}
    for format, weight_type, channels, reduced in itertools.product(
        ("QDQ", "QOperator"), ("QInt8", "QUInt8"), (False, True), (False, True)
    )
    # check_stored refuses unsigned weights by channel as QOperator, where onnxruntime makes them
    # signed.
    if not (weight_type == "QUInt8" and channels and format == "QOperator")
]


def by_name(model):
    return {weight.name.removesuffix("_quantized"): weight for weight in stored_weights(model)}


@pytest.mark.parametrize(
    "options", OPTIONS, ids=lambda options: "-".join(map(str, options.values()))
)
def test_onnxruntime_stores_the_levels_that_were_meant(tmp_path, options):
    model = network()
    batches = Batches.of(IMAGES, model, NCHW, 16)
    quantize = Quantizer(model, batches, tmp_path, **options)
    plain = quantize(model)
    before = model.SerializeToString(), plain.SerializeToString()
    rounded = round_weights(model, plain, batches)
    assert (model.SerializeToString(), plain.SerializeToString()) == before

    result = quantize(rounded)
    check_stored(result, quantize.options)
    grids, final, meant = by_name(plain), by_name(result), constants(rounded)
    assert set(final) == set(grids) == set(WEIGHTS)
    for name in WEIGHTS:
        grid = grids[name]
        assert np.array_equal(final[name].scale, grid.scale)
        assert np.array_equal(final[name].zero_point, grid.zero_point)
        shape = [1] * meant[name].ndim
        shape[grid.axis] = grid.scale.size
        zero_point = grid.zero_point.reshape(shape).astype(int)
        steps = meant[name] / grid.scale.reshape(shape)
        levels = (np.rint(steps).astype(int) + zero_point).clip(*LEVELS[options["weight_type"]])
        assert np.array_equal(final[name].values, levels)
        # Off the grid are only the ends of a range, as zero point and scale are rounded.
        axes = tuple(axis for axis in range(meant[name].ndim) if shape[axis] == 1)
        ends = [end(meant[name], axis=axes, keepdims=True) for end in (np.min, np.max)]
        inner = (meant[name] != ends[0]) & (meant[name] != ends[1])
        assert np.abs(steps - np.rint(steps))[inner].max() < 1e-4
        assert (final[name].values != grid.values).any()


def test_later_layers_see_the_inputs_that_rounding_left(tmp_path):
    """Rounding sets one of two channels to 0: nothing is left there to compensate with."""
    first = np.array([[100, 0, 0], [0.1, 0.1, 0.1]]).reshape(2, 3, 1, 1)
    second = np.random.default_rng(0).normal(size=(8, 5))
    layers = [("Conv", {}, {"v": first}), ("Flatten", {}, {}), ("MatMul", {}, {"w": second})]
    model = make_network(layers, side=2)
    batches = Batches.of(IMAGES[:, :2, :2], model, NCHW, 16)
    plain = Quantizer(model, batches, tmp_path)(model)
    scale = by_name(plain)["w"].scale
    rounded = constants(round_weights(model, plain, batches))
    assert rounded["v"][0].any() and not rounded["v"][1].any()
    nearest = np.rint(second / scale)
    assert np.array_equal(np.rint(rounded["w"] / scale)[4:], nearest[4:])
    assert not np.array_equal(np.rint(rounded["w"] / scale)[:4], nearest[:4])


def test_only_what_is_quantized_changes(tmp_path):
    model = network()
    batches = Batches.of(IMAGES, model, NCHW, 16)
    options = {"nodes_to_exclude": ["conv0", "gemm7"]}
    plain = Quantizer(model, batches, tmp_path, **options)(model)
    rounded = constants(round_weights(model, plain, batches))
    changed = {n for n, array in constants(model).items() if not np.array_equal(array, rounded[n])}
    assert changed == {"w2", "w4", "w8", "w9"}


def test_a_shared_weight_and_a_transposed_input_are_left_alone(generator, tmp_path):
    square = generator.normal(size=(12, 12))
    layers = [("Flatten", {}, {}), ("MatMul", {}, {"w": square}), ("MatMul", {}, {"w": square})]
    model = make_network(layers, side=2)
    batches = Batches.of(IMAGES[:, :2, :2], model, NCHW, 16)
    plain = Quantizer(model, batches, tmp_path)(model)
    assert {w.name for w in stored_weights(plain)} == {"w_quantized"}
    assert round_weights(model, plain, batches) == model

    layers = [("Flatten", {}, {}), ("Gemm", {"transA": 1}, {"w": generator.normal(size=(16, 5))})]
    model = make_network(layers, side=2)
    batches = Batches.of(IMAGES[:16, :2, :2], model, NCHW, 16)
    plain = Quantizer(model, batches, tmp_path)(model)
    assert {w.name for w in stored_weights(plain)} == {"w_quantized"}
    assert round_weights(model, plain, batches) == model
