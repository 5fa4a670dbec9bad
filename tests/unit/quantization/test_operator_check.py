"""The check of operators: it finds damage of any kind, and alarms at nothing else."""

import json

import numpy as np
import pytest
from helpers import OPTIONS, RAW, Quantizer, make_images
from onnx import TensorProto, checker, helper, numpy_helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.batches import Batches
from ptq_comparison.quantization import quantize as module
from ptq_comparison.quantization.operator_check import check_operators, is_broken

IMAGES, _ = make_images(30, seed=5)
PIXELS = {**RAW, "layout": "NCHW", "scale": 1 / 255}
FORMATS = ("QDQ", "QOperator")
TYPES = {
    "int8": {"activation_type": "QInt8", "weight_type": "QInt8"},
    "uint8": {"activation_type": "QUInt8", "weight_type": "QUInt8"},
    "u8s8": {"activation_type": "QUInt8", "weight_type": "QInt8"},
    "s16s8": {"activation_type": "QInt16", "weight_type": "QInt8"},
    "u16u8": {"activation_type": "QUInt16", "weight_type": "QUInt8"},
}


def make_model(scale=1.0, cut="Relu", gemm=None):
    """Return a network with an operator of each kind that onnxruntime quantizes in its own way.

    `scale` stretches all weights of the first convolution, `cut` is what follows it, `gemm` holds
    attributes of the last node.
    """
    generator = np.random.default_rng(7)

    def normal(*shape):
        return generator.normal(size=shape)

    arrays = {
        "w1": scale * normal(6, 3, 3, 3) / 10,
        "b1": scale * normal(6),
        "w2": normal(6, 6, 3, 3) / 5,
        "b2": normal(6),
        "w3": normal(6, 6, 1, 1) / 2,
        "fill": np.array(0.5),
        "v": normal(6, 4),
        "c": normal(4),
        "low": np.array(0.3 * scale),
        "high": np.array(0.9 * scale),
    }
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "w1", "b1"], ["c1"], name="conv", pads=[1, 1, 1, 1]),
        node(cut, ["c1", *(["low", "high"] if cut == "Clip" else [])], ["r1"], name="cut"),
        node("Conv", ["r1", "w2", "b2"], ["c2"], name="strided", strides=[2, 2], pads=[1] * 4),
        node("LeakyRelu", ["c2"], ["l"], name="leaky", alpha=0.1),
        node("Conv", ["l", "w3"], ["c3"], name="side"),
        node("Add", ["l", "c3"], ["s"], name="sum"),
        node("Pad", ["s", "pads", "fill"], ["p"], name="pad"),
        node("MaxPool", ["p"], ["m"], name="pool", kernel_shape=[2, 2]),
        node("GlobalAveragePool", ["m"], ["a"], name="average"),
        node("Flatten", ["a"], ["f"], name="flatten"),
        node("Gemm", ["f", "v", "c"], ["scores"], name="gemm", **(gemm or {})),
    ]
    used = {name for n in nodes for name in n.input}
    constants = [
        numpy_helper.from_array(array.astype(np.float32), name)
        for name, array in arrays.items()
        if name in used
    ]
    constants.append(numpy_helper.from_array(np.array([0, 0, 1, 1] * 2), "pads"))
    shapes = (("image", ["batch", 3, 8, 8]), ("scores", ["batch", 4]))
    image, scores = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes)
    graph = helper.make_graph(nodes, "all", [image], [scores], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return model


def make_quantizer(model, folder, images=IMAGES, preprocessing=PIXELS, **options):
    return Quantizer(model, Batches.of(images, model, preprocessing, 10), folder, **options)


@pytest.fixture(params=[(f, c) for f in FORMATS for c in (False, True)], ids=str)
def sound(request, tmp_path):
    """The model, its quantizer, and what that makes of it."""
    format, per_channel = request.param
    model = make_model()
    quantizer = make_quantizer(model, tmp_path, format=format, per_channel=per_channel)
    return model, quantizer, quantizer(model)


# What changes the graph of a quantized model.


def nodes_of(model):
    """Return nodes by the names that they have in the float32 model, or else by their own."""
    return {node.name.removesuffix("_quant"): node for node in model.graph.node}


def array(model, name):
    (found,) = [i for i in model.graph.initializer if i.name == name]
    return numpy_helper.to_array(found)


def set_array(model, name, values):
    (found,) = [i for i in model.graph.initializer if i.name == name]
    values = np.asarray(values).astype(numpy_helper.to_array(found).dtype)
    found.CopyFrom(numpy_helper.from_array(values, name))


def other_scale(model, node, place, factor):
    """Let one node read a scale times a factor, and others the old one."""
    values = array(model, node.input[place])
    values = (values * factor).astype(values.dtype)
    node.input[place] += "/other"
    model.graph.initializer.append(numpy_helper.from_array(values, node.input[place]))


def set_attribute(node, name, value):
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def read(model, tensor):
    """Return the name under which nodes of the quantized model read a tensor."""
    taken = {name for node in model.graph.node for name in node.input}
    names = (f"{tensor}_DequantizeLinear_Output", f"{tensor}_quantized")
    return next(name for name in names if name in taken)


# Damages, and the nodes that the check may name. A node that reads a damaged tensor is as good a
# name as the one that gives it.


def one_level_of_a_weight(model):
    levels = array(model, "w2_quantized").copy()
    place = np.unravel_index(np.abs(levels.astype(int) - 50).argmin(), levels.shape)
    levels[place] += 2
    set_array(model, "w2_quantized", levels)


def a_scale_of_a_weight(model):
    scale = array(model, "w2_scale").copy()
    scale.flat[-1] *= 1.02
    set_array(model, "w2_scale", scale)


def bias_in_another_scale(model):
    set_array(model, "b2_quantized", array(model, "b2_quantized") // 3)


def bias_that_is_cut(model):
    levels = array(model, "b2_quantized")
    set_array(model, "b2_quantized", np.clip(levels, None, np.sort(levels)[-2]))


def bias_that_is_lost(model):
    node = nodes_of(model)["strided"]
    del node.input[-1]


def image_read_in_another_scale(model):
    """By the dequantization alone, or the convolution that reads the levels."""
    nodes = nodes_of(model)
    if "image_DequantizeLinear" in nodes:
        other_scale(model, nodes["image_DequantizeLinear"], 1, 1.02)
    else:
        other_scale(model, nodes["conv"], 1, 1.02)


def image_stored_in_another_scale(model):
    other_scale(model, nodes_of(model)["image_QuantizeLinear"], 1, 1.2)


def result_read_in_another_scale(model):
    nodes = nodes_of(model)
    if "l_DequantizeLinear" in nodes:
        other_scale(model, nodes["l_DequantizeLinear"], 1, 0.98)
    else:
        other_scale(model, nodes["side"], 1, 0.98)


def result_stored_in_another_scale(model):
    nodes = nodes_of(model)
    if "l_QuantizeLinear" in nodes:
        other_scale(model, nodes["l_QuantizeLinear"], 1, 0.98)
    else:
        other_scale(model, nodes["leaky"], 3, 0.98)


def a_grid_that_ends_early(model):
    set_array(model, "l_scale", array(model, "l_scale") * 0.97)


def a_grid_that_is_shifted(model):
    set_array(model, "l_zero_point", array(model, "l_zero_point").astype(int) + 5)


def slope_of_leaky(model):
    set_attribute(nodes_of(model)["leaky"], "alpha", 0.2)


def relu_for_leaky(model):
    node = nodes_of(model)["leaky"]
    if node.op_type == "LeakyRelu":
        node.op_type = "Relu"
        del node.attribute[:]
    else:
        set_attribute(node, "alpha", 0.0)


def pads_before_an_activation(model):
    set_attribute(nodes_of(model)["conv"], "pads", [0, 0, 2, 2])


def a_grid_before_an_activation_that_ends_early(model):
    scale = next(i.name for i in model.graph.initializer if i.name in ("r1_scale", "c1_scale"))
    set_array(model, scale, array(model, scale) * 0.6)


def pads_of_a_convolution(model):
    set_attribute(nodes_of(model)["strided"], "pads", [0, 0, 2, 2])


def window_of_a_pool(model):
    """The same shape from other values."""
    node = nodes_of(model)["pool"]
    set_attribute(node, "kernel_shape", [3, 3])
    set_attribute(node, "pads", [0, 0, 1, 1])


def product_for_sum(model):
    node = nodes_of(model)["sum"]
    node.op_type = node.op_type.replace("Add", "Mul")


def constant_of_a_pad(model):
    set_array(model, "fill_quantized", array(model, "fill_quantized") + 9)


def another_input(model):
    """The sum adds the same tensor twice."""
    node = nodes_of(model)["sum"]
    if node.op_type == "Add":
        node.input[1] = node.input[0]
    else:
        node.input[3:6] = node.input[:3]


def another_output(model):
    """A later node reads the tensor from before the sum."""
    node = nodes_of(model)["pad"]
    node.input[0] = read(model, "c3")


DAMAGES = {
    one_level_of_a_weight: {"strided"},
    a_scale_of_a_weight: {"strided"},
    bias_in_another_scale: {"strided"},
    bias_that_is_cut: {"strided"},
    bias_that_is_lost: {"strided"},
    image_read_in_another_scale: {"input", "conv"},
    image_stored_in_another_scale: {"input", "conv"},
    result_read_in_another_scale: {"leaky", "side"},
    result_stored_in_another_scale: {"leaky"},
    a_grid_that_ends_early: {"leaky"},
    a_grid_that_is_shifted: {"leaky"},
    slope_of_leaky: {"leaky"},
    relu_for_leaky: {"leaky"},
    pads_before_an_activation: {"conv"},
    a_grid_before_an_activation_that_ends_early: {"cut", "strided"},
    pads_of_a_convolution: {"strided"},
    window_of_a_pool: {"pool"},
    product_for_sum: {"sum"},
    constant_of_a_pad: {"pad"},
    another_input: {"sum"},
    another_output: {"pad"},
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
def test_damage_is_found_and_its_node_named(sound, damage):
    model, quantizer, quantized = sound
    before = quantized.SerializeToString()
    damage(quantized)
    assert quantized.SerializeToString() != before
    with pytest.raises(UserError, match=r"quantization\.nodes_to_exclude") as error:
        quantizer.check(model, quantized)
    message = str(error.value)
    assert any(f"{name!r}" in message for name in DAMAGES[damage]), message
    assert "\n" not in message


@pytest.fixture
def plain(monkeypatch):
    """What onnxruntime makes by itself, without nodes that are kept in float32."""
    monkeypatch.setattr(module, "nodes_to_keep", lambda *_: {})


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(
    ("attributes", "formats"),
    [({"beta": 0.5}, FORMATS), ({"alpha": 0.5}, ["QOperator"])],
)
@pytest.mark.usefixtures("plain")
def test_factors_of_gemm_that_are_lost_are_found(
    tmp_path, attributes, formats, format, per_channel
):
    model = make_model(gemm=attributes)
    quantizer = make_quantizer(model, tmp_path, format=format, per_channel=per_channel)
    if format not in formats:
        quantizer.check(model, quantizer(model))
        return
    with pytest.raises(UserError, match=r"Gemm 'gemm' "):
        quantizer.check(model, quantizer(model))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.usefixtures("plain")
def test_an_activation_that_is_removed_is_found(tmp_path, format, per_channel):
    """Clip from 0.3 on, where a grid holds 0 always."""
    model = make_model(cut="Clip")
    quantizer = make_quantizer(model, tmp_path, format=format, per_channel=per_channel)
    with pytest.raises(UserError, match=r"Conv 'conv' with Clip 'cut', which is merged into it, "):
        quantizer.check(model, quantizer(model))


@pytest.mark.parametrize("format", FORMATS)
def test_an_activation_taken_out_of_a_model_that_kept_it_is_found(tmp_path, format):
    model = make_model(cut="Clip")
    quantizer = make_quantizer(model, tmp_path, format=format)
    quantized = quantizer(model)
    quantizer.check(model, quantized)
    clip = nodes_of(quantized)["cut"]
    for node in quantized.graph.node:
        node.input[:] = [clip.input[0] if n == clip.output[0] else n for n in node.input]
    quantized.graph.node.remove(clip)
    with pytest.raises(UserError, match=r"Clip 'cut'"):
        quantizer.check(model, quantized)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.usefixtures("plain")
def test_a_bias_that_overflows_is_found(tmp_path, format):
    """Weights of 1e-9 beside biases of 1: the latter are 1e11 steps."""
    model = make_model()
    set_array(model, "w1", 1e-9 * array(model, "w1"))
    quantizer = make_quantizer(model, tmp_path, format=format, **TYPES["uint8"])
    with pytest.raises(UserError, match=r"Conv 'conv' has its constant 'b1' stored up to"):
        quantizer.check(model, quantizer(model))


@pytest.mark.usefixtures("plain")
def test_a_shared_bias_in_one_scale_is_found(tmp_path):
    """QOperator models hold it in the scale of the first convolution."""
    model = make_model()
    node = next(n for n in model.graph.node if n.name == "strided")
    node.input[2] = "b1"
    quantizer = make_quantizer(model, tmp_path, format="QOperator")
    with pytest.raises(UserError, match=r"Conv 'strided' gives 'c2' up to"):
        quantizer.check(model, quantizer(model))


def test_a_result_of_another_shape_names_the_tensor(sound):
    model, quantizer, quantized = sound
    set_attribute(nodes_of(quantized)["strided"], "strides", [1, 1])
    with pytest.raises(UserError, match=r"cannot run the quantized model .*check>/c2/") as error:
        quantizer.check(model, quantized)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("named", [True, False])
def test_nodes_in_float_read_what_others_read_in_8_bits(tmp_path, format, named):
    """The result of `leaky` is float32 for `sum`, and quantized for `side`."""
    model = make_model()
    for node in model.graph.node:
        if not named:
            node.name = ""
    quantizer = make_quantizer(model, tmp_path, format=format, op_types_to_quantize=["Conv"])
    check = quantizer.check(model, quantizer(model))
    assert "s" in {error["tensor"] for error in check["nodes"] if error["kind"] == "result"}


@pytest.mark.parametrize("format", FORMATS)
def test_a_weight_that_is_left_in_float_is_found(tmp_path, monkeypatch, format):
    """Only where nobody asked for that, and onnxruntime has an operator for it."""
    model, paths = make_model(), [tmp_path / name for name in ("model.onnx", "check.json")]
    quantizer = make_quantizer(model, tmp_path, format=format)
    options = {**quantizer.options, "nodes_to_exclude": ["side"]}
    arguments = (model, quantizer.path, *paths, {}, quantizer.batches)
    module.quantize(*arguments, **options)
    made = module.quantize_model(model, quantizer.path, options)
    monkeypatch.setattr(module, "quantize_model", lambda *_: made)
    module.quantize(*arguments, **{**OPTIONS, "format": format, "op_types_to_quantize": ["Gemm"]})
    with pytest.raises(UserError, match=r"leaves the weights of Conv 'side' in float32"):
        module.quantize(*arguments, **{**OPTIONS, "format": format})


METHODS = {
    "MinMax": {},
    "Percentile": {"percentile": 70.0, "num_bins": 512},
    "Entropy": {"num_bins": 512, "num_quantized_bins": 32},
    "MSE": {"num_bins": 512},
}
COARSE = {
    "plain": {},
    "7 bits": {"reduce_range": True},
    "by channel": {"per_channel": True},
    "7 bits by channel": {"reduce_range": True, "per_channel": True},
    "symmetric": {"extra_options": {"ActivationSymmetric": True}},
    "few nodes": {"op_types_to_quantize": ["Conv"]},
    "excluded": {"nodes_to_exclude": ["conv", "pool"]},
    "outlier": {},
    "huge": {},
    "tiny": {},
    "Clip": {},
    "one image": {},
}


def make_coarse(kind):
    scale = {"huge": 1e8, "tiny": 1e-8}.get(kind, 1.0)
    model = make_model(scale, "Clip" if kind == "Clip" else "Relu")
    if kind == "outlier":
        weights = array(model, "w2").copy()
        weights[0, 0, 0, 0] = 1000
        set_array(model, "w2", weights)
    return model


def sound_cases():
    """Yield all kinds and types with MinMax; the other methods cut ranges, whatever the kind."""
    for format, types in ((f, t) for f in FORMATS for t in TYPES if f == "QDQ" or "16" not in t):
        yield from ((kind, format, types, "MinMax") for kind in COARSE)
    for format, types in (("QDQ", "int8"), ("QOperator", "uint8")):
        for method in METHODS:
            yield from ((kind, format, types, method) for kind in ("plain", "outlier", "Clip"))


# One of each kind is fast; the others take ten seconds together.
FAST = {
    *((kind, "QDQ", "int8", "MinMax") for kind in COARSE),
    *((kind, "QOperator", "u8s8", "MinMax") for kind in COARSE),
    *(("plain", format, "uint8", method) for format in FORMATS for method in METHODS),
}


@pytest.mark.parametrize(
    ("kind", "format", "types", "method"),
    [
        pytest.param(*case, marks=[] if case in FAST else pytest.mark.slow)
        for case in dict.fromkeys(sound_cases())
    ],
)
def test_a_sound_model_alarms_nowhere(tmp_path, kind, format, types, method):
    """However coarse it is: also on images that the calibration has seen nothing like."""
    model, options = make_coarse(kind), {**COARSE[kind], **TYPES[types]}
    images = IMAGES[: 1 if kind == "one image" else None] // 3
    quantizer = make_quantizer(
        model, tmp_path, images, format=format, method=method, settings=METHODS[method], **options
    )
    quantized = quantizer(model)
    noise = np.random.default_rng(3).integers(0, 256, (8, 8, 8, 3))
    noise[:2], noise[2:4] = 255, 0
    for batches in (
        quantizer.batches,
        Batches.of(noise.astype(np.uint8), model, PIXELS, 5),
        Batches.of(noise.astype(np.uint8), model, {**PIXELS, "mean": -3.0, "std": 0.01}, 8),
    ):
        check = quantizer.check(model, quantized, batches)
        assert check["images"] == len(batches.images)
        results = [error for error in check["nodes"] if error["kind"] == "result"]
        assert max(error["error_steps"] for error in results) > 0
        assert check["worst"] in check["nodes"]


def test_what_was_compared_is_told(sound):
    """Each constant, each grid, and each result that is not before a merged activation."""
    model, quantizer, quantized = sound
    few = list(quantizer.batches)[:2]
    check = check_operators(model, quantized, quantizer.ranges, few, {"x": "a reason"})
    assert check["images"] == 20 and check["kept_in_float"] == {"x": "a reason"}
    assert json.loads(json.dumps(check)) == check
    told = {(error["kind"], error["tensor"]) for error in check["nodes"]}
    constants = {("constant", name) for name in ("w1", "b1", "w2", "b2", "w3", "fill", "v", "c")}
    assert {row for row in told if row[0] == "constant"} == constants
    results = {name for kind, name in told if kind == "result"}
    assert results == {"image", "r1", "c2", "l", "c3", "s", "p", "m", "a", "f", "scores"}


@pytest.mark.parametrize(
    ("steps", "broken"), [(0.5, False), (0.51, True), (np.nan, True), (np.inf, True)]
)
def test_what_is_broken(steps, broken):
    error = {"error_steps": steps, "allowed_steps": 0.5}
    assert is_broken(error) is broken
