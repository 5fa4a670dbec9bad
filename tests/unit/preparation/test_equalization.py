"""Channels scaled between layers: by hand, without a change of scores, and what it brings."""

import numpy as np
import pytest
from helpers import RAW, Quantizer
from onnx import TensorProto, helper, numpy_helper
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.layers import constants
from ptq_comparison.preparation.equalization import STRENGTH, channel_peaks, equalize, find_chains

NCHW = {**RAW, "layout": "NCHW", "scale": 1 / 255}
METHODS = ("cross_layer", "smooth")


def node(op_type, inputs, output, **attributes):
    return helper.make_node(op_type, inputs, [output], name=output, **attributes)


def make_model(nodes, weights, channels=2, classes=None):
    """Return a model of float32 images x (batch, channels, 4, 4)."""
    tensors = [numpy_helper.from_array(np.float32(w), name) for name, w in weights.items()]
    last = nodes[-1].output[0]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", channels, 4, 4])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", classes])],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


ENDS = [node("GlobalAveragePool", ["b"], "p"), node("Flatten", ["p"], "scores")]


def two_layers(between, first=((8, 0), (0, 0.5)), second=((1, 4), (-0.5, 0)), **constants_):
    """Two convolutions of one pixel, with the nodes `between` from a to r."""
    weights = {
        "w1": np.array(first)[..., None, None],
        "b1": [0.0, 0.0],
        "w2": np.array(second)[..., None, None],
        **constants_,
    }
    nodes = [node("Conv", ["x", "w1", "b1"], "a"), *between, node("Conv", ["r", "w2"], "b"), *ENDS]
    return make_model(nodes, weights)


RELU = [node("Relu", ["a"], "r")]


def batches_of(model, count=20, seed=0, channels=2, high=256):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, high, (count, 4, 4, channels)).astype(np.uint8)
    images[0, 0, 0] = high - 1
    return Batches.of(images, model, NCHW, 7)


def scores(model, batches):
    session = make_session(model, threads=1)
    return np.concatenate([session.run(None, batch.inputs)[0] for batch in batches])


def test_cross_layer_makes_the_ranges_of_weights_equal():
    model = two_layers(RELU)
    equalized, changes = equalize(model, batches_of(model), "cross_layer")
    arrays = constants(equalized)
    # By hand: s = sqrt(8 / 1) and sqrt(0.5 / 4); both ranges become sqrt(8 * 1) and sqrt(0.5 * 4).
    s = np.sqrt([8, 0.125])
    assert np.allclose(np.diag(arrays["w1"][..., 0, 0]), [8 / s[0], 0.5 / s[1]], rtol=1e-6)
    assert np.allclose(arrays["w2"][..., 0, 0], [[s[0], 4 * s[1]], [-0.5 * s[0], 0]], rtol=1e-6)
    assert changes == ["channels are equalized (cross_layer) before Conv 'b'"]


def test_smooth_moves_differences_of_activations_into_the_weights():
    model = two_layers(RELU)
    batches = batches_of(model)
    equalized, _ = equalize(model, batches, "smooth")
    # The largest activations are 8 and 0.5, the largest weights that read them 1 and 4.
    s = np.array([8, 0.5]) ** STRENGTH / np.array([1, 4]) ** (1 - STRENGTH)
    s /= np.sqrt(s.prod())
    assert np.allclose(channel_peaks(equalized, ["r"], batches)[0], [8, 0.5] / s, rtol=1e-6)
    assert np.allclose(scores(equalized, batches), scores(model, batches), rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_channels_that_are_never_above_0_or_never_read_stay(method):
    model = two_layers(RELU, first=((-8, 0), (0, 0.5)), second=((1, 0), (1, 0)))
    equalized, _ = equalize(model, batches_of(model), method)
    for name, array in constants(model).items():
        assert np.array_equal(array, constants(equalized)[name])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "between",
    [
        [node("LeakyRelu", ["a"], "r", alpha=0.1)],
        [node("Relu", ["a"], "c"), node("MaxPool", ["c"], "r", kernel_shape=[2, 2])],
        [node("AveragePool", ["a"], "c", kernel_shape=[2, 2]), node("Relu", ["c"], "r")],
        [node("Identity", ["a"], "r")],
    ],
)
def test_scores_stay_the_same(between, method):
    model = two_layers(between)
    batches = batches_of(model)
    equalized, changes = equalize(model, batches, method)
    assert changes
    assert np.allclose(scores(equalized, batches), scores(model, batches), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "between",
    [
        [node("Sigmoid", ["a"], "r")],
        [node("Clip", ["a", "minus", "six"], "r")],
        [node("Clip", ["a"], "r")],
        [node("Relu", ["a"], "c"), node("Add", ["c", "a"], "r")],
        [node("Add", ["a", "one"], "r")],
    ],
)
def test_nothing_to_scale_across(between):
    model = two_layers(between, minus=-1.0, six=6.0, one=[[[[1.0]]]])
    assert find_chains(model) == []
    assert equalize(model, batches_of(model), "smooth") == (model, [])


def test_a_tensor_that_another_node_reads_or_a_shared_weight_stays():
    read_twice = two_layers(RELU)
    read_twice.graph.node[-1].input[0] = "r2"
    read_twice.graph.node.insert(3, node("GlobalAveragePool", ["r"], "r2"))
    assert find_chains(read_twice) == []
    shared = two_layers(RELU)
    shared.graph.node[2].input[1] = "w1"
    assert find_chains(shared) == []


@pytest.mark.parametrize("method", METHODS)
def test_relu6_cuts_the_same_values_as_before(method):
    """Channel 0 reaches 6 and stays; channel 1, up to 0.5, must not be raised beyond 6."""
    between = [node("Clip", ["a", "zero", "six"], "r")]
    second = ((1, 4e6), (-0.5, 0))  # for which it would be raised far beyond
    model = two_layers(between, second=second, zero=0.0, six=6.0)
    batches = batches_of(model)
    equalized, _ = equalize(model, batches, method)
    before, after = (channel_peaks(m, ["r"], batches)[0] for m in (model, equalized))
    assert before.tolist() == [6, 0.5] and after[0] == 6 and 0.5 <= after[1] <= 6.00001
    assert (after[1] > 5.9) == (method == "cross_layer")  # smooth has one channel left to move
    assert np.allclose(scores(equalized, batches), scores(model, batches), rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_channel_of_nothing_but_a_bias_is_not_raised_above_all_others(method):
    """By its weights alone, cross_layer would make 3000 of 3, and nothing be left of the other."""
    model = two_layers(RELU, first=((1e-7, 0), (0, 5)), second=((1, 1), (0.1, 1)))
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "b1")
    bias.CopyFrom(numpy_helper.from_array(np.float32([3, 0]), "b1"))
    batches = batches_of(model)
    equalized, _ = equalize(model, batches, method)
    before, after = (channel_peaks(m, ["r"], batches)[0] for m in (model, equalized))
    assert before.tolist() == pytest.approx([3, 5]) and max(after) <= 5.00001
    assert np.allclose(scores(equalized, batches), scores(model, batches), rtol=1e-5)


def depthwise_network(generator, spread):
    """MobileNet's blocks; channels are scaled by up to 2**spread, and back by the next layer."""
    shapes = {"w0": (8, 3, 3, 3), "w1": (8, 1, 3, 3), "w2": (12, 8, 1, 1), "w3": (12, 1, 3, 3)}
    shapes["w4"] = (6, 12, 1, 1)
    groups, weights, nodes, given = (1, 8, 1, 12, 1), {}, [], "x"
    factor = np.ones(3)
    for place, (shape, group) in enumerate(zip(shapes.values(), groups, strict=True)):
        weight = generator.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        undone = factor.reshape(-1, 1, 1, 1) if group > 1 else factor.reshape(1, -1, 1, 1)
        factor = 2.0 ** generator.uniform(-spread, spread, shape[0])
        if place == 4:
            factor = np.ones(shape[0])
        weights[f"w{place}"] = weight / undone * factor.reshape(-1, 1, 1, 1)
        weights[f"b{place}"] = generator.normal(0, 0.1, shape[0]) * factor
        nodes.append(
            node(
                "Conv",
                [given, f"w{place}", f"b{place}"],
                f"c{place}",
                group=group,
                pads=[shape[2] // 2] * 4,
            )
        )
        given = f"r{place}" if place < 4 else "b"
        nodes.append(node("Relu", [f"c{place}"], given))
    return make_model([*nodes, *ENDS], weights, channels=3)


@pytest.mark.parametrize("method", METHODS)
def test_a_depthwise_network_that_collapses_per_tensor_is_saved(tmp_path, method):
    model = depthwise_network(np.random.default_rng(3), spread=5)
    batches = batches_of(model, count=60, channels=3)
    equalized, changes = equalize(model, batches, method)
    assert all(f"'c{place}'" in changes[0] for place in (1, 2, 3, 4))
    expected = scores(model, batches)
    assert np.allclose(scores(equalized, batches), expected, rtol=1e-4, atol=1e-5)

    def error(given):
        quantized = Quantizer(given, batches, tmp_path, weight_type="QInt8")(given)
        return np.abs(scores(quantized, batches) - expected).mean() / np.abs(expected).mean()

    assert error(model) > 0.1
    # smooth moves a part of the differences alone.
    assert error(equalized) < error(model) / (5 if method == "cross_layer" else 3)


@pytest.mark.parametrize("transposed", [0, 1])
def test_matrix_products(transposed):
    generator = np.random.default_rng(0)
    w1, w2 = generator.normal(size=(32, 5)), generator.normal(size=(5, 3))
    weights = {
        "w1": w1.T if transposed else w1,
        "w2": w2.T if transposed else w2,
        "b1": np.full(5, 9),
    }
    model = make_model(
        [
            node("Flatten", ["x"], "f"),
            node("Gemm", ["f", "w1", "b1"], "a", transB=transposed),
            node("Relu", ["a"], "r"),
            node("Gemm", ["r", "w2"], "scores", transB=transposed),
        ],
        weights,
    )
    batches = batches_of(model)
    equalized, _ = equalize(model, batches, "cross_layer")
    arrays = constants(equalized)
    axis = 1 if transposed else 0
    first = np.abs(arrays["w1"]).max(axis=axis)
    assert np.allclose(first, np.abs(arrays["w2"]).max(axis=1 - axis), rtol=1e-2)
    assert np.allclose(scores(equalized, batches), scores(model, batches), rtol=1e-4, atol=1e-5)


def test_grouped_convolutions():
    generator = np.random.default_rng(0)
    weights = {"w1": generator.normal(size=(6, 2, 3, 3)), "w2": generator.normal(size=(4, 3, 1, 1))}
    weights["b1"] = np.full(6, 9)  # no channel is always 0
    nodes = [
        node("Conv", ["x", "w1", "b1"], "a"),
        node("Relu", ["a"], "r"),
        node("Conv", ["r", "w2"], "b", group=2),
    ]
    model = make_model([*nodes, *ENDS], weights)
    batches = batches_of(model)
    equalized, _ = equalize(model, batches, "cross_layer")
    arrays = constants(equalized)
    read = np.abs(arrays["w2"].reshape(2, 2, 3)).max(axis=1).ravel()
    assert np.allclose(np.abs(arrays["w1"]).max(axis=(1, 2, 3)), read, rtol=1e-5)
    assert np.allclose(scores(equalized, batches), scores(model, batches), rtol=1e-4, atol=1e-5)
