"""Models that people reported trouble with: quantized as well as if written plainly, or refused."""

import logging
from functools import partial

import numpy as np
import onnx
import pytest
from helpers import OPTIONS, RAW
from models import reported
from models.reported import CALIBRATION, IMAGES, INFINITY, LOWEST, fitted
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.schemes import DTYPES
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.exact_kernels import make_exact_session
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.layers import float_weighted
from ptq_comparison.model.loading import load_model
from ptq_comparison.preparation.float_checks import check_float_model, check_runs
from ptq_comparison.preparation.quantizable_form import inline_functions, quantizable_form
from ptq_comparison.preparation.same_predictions import check_same_predictions
from ptq_comparison.quantization.checks import check_per_channel
from ptq_comparison.quantization.quantize import quantize
from tqdm import tqdm

PIXELS = {**RAW, "layout": "NCHW", "scale": 1 / 255}
# Rounding at other places changes predictions of single images, of 200.
TOLERANCE = 0.04
SETTINGS = [(d, f, c) for d in DTYPES for f in ("QDQ", "QOperator") for c in (False, True)]
SETTINGS.remove(("uint8", "QOperator", True))  # onnxruntime stores int8 there, which is refused
FAST = [("int8", "QDQ", False), ("uint8", "QOperator", False), ("u8s8", "QOperator", True)]


def settings(fast=FAST):
    """Return all types, formats and kinds of scales; those that are not `fast` are slow."""
    return [
        pytest.param(*given, marks=[] if given in fast else pytest.mark.slow) for given in SETTINGS
    ]


def prepare(given):
    """Return the model as the rule prepare_model leaves it."""
    model, _ = inline_functions(given)
    check_float_model(model, 10, "quantization")
    model, _ = quantizable_form(model)
    check_float_model(model, 10, "quantization")
    onnx.checker.check_model(model)
    check_runs(model, PIXELS, IMAGES.shape[1:], reported.CLASSES)
    check_same_predictions(given, model, CALIBRATION, PIXELS)
    return model


def make_quantized(given, folder, dtype, format, per_channel, **options):
    """Return the model as the rules prepare_model, calibrate and quantize make it."""
    model = prepare(given)
    if per_channel:
        check_per_channel(model, "quantization", [])
    batches = Batches.of(CALIBRATION, model, PIXELS, 20)
    path = folder / "ranges.json"
    write_ranges(path, calibrate(model, batches, "MinMax", {}, tqdm(disable=True)), {})
    types = dict(zip(("activation_type", "weight_type"), DTYPES[dtype], strict=True))
    asked = {**OPTIONS, **types, "format": format, "per_channel": per_channel, **options}
    output, check = folder / "quantized.onnx", folder / "check.json"
    quantize(model, path, output, check, {}, batches, **asked)
    return load_model(output)


class Reader(CalibrationDataReader):
    def __init__(self, batches):
        self.inputs = (batch.inputs for batch in batches)

    def get_next(self):
        return next(self.inputs, None)


def plain_script(model, folder, dtype, format, per_channel):
    """Return the model as a script of one call of onnxruntime makes it."""
    activation, weight = DTYPES[dtype]
    onnx.save(model, folder / "plain.onnx")
    quantize_static(
        folder / "plain.onnx",
        folder / "plain_quantized.onnx",
        Reader(Batches.of(CALIBRATION, model, PIXELS, 60)),
        quant_format=QuantFormat[format],
        per_channel=per_channel,
        activation_type=QuantType[activation],
        weight_type=QuantType[weight],
    )
    return onnx.load(folder / "plain_quantized.onnx")


def scores(model):
    """Return scores of the test images, by kernels that saturate on no CPU."""
    if any(node.op_type.startswith("QLinear") for node in model.graph.node):
        try:
            session = make_exact_session(model, threads=1)
        except Exception:  # signed activations, which do not saturate
            session = make_session(model, threads=1, optimize=False)
    else:
        session = make_session(model, threads=1, optimize=False)
    parts = [session.run(None, b.inputs)[0] for b in Batches.of(IMAGES, model, PIXELS, 200)]
    return np.concatenate(parts).reshape(len(IMAGES), -1)


def agreement(quantized, float_model):
    same = scores(quantized).argmax(axis=1) == scores(float_model).argmax(axis=1)
    return float(same.mean())


def load(body, plain, **options):
    return onnx.load_from_string(fitted(body, plain, **options))


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.ERROR)


CASES = {
    "ordinary": reported.ordinary,
    "shared_bias": reported.shared_bias,
    "shared_weight": partial(reported.shared_weight, turned=False),
    "shared_weight_turned": partial(reported.shared_weight, turned=True),
    "bias_as_operand": reported.bias_as_operand,
    "shared_pad_constant": reported.shared_pad_constant,
    "clip_with_a_floor": reported.clip_with_a_floor,
    "clip_of_constant_nodes": reported.clip_of_constant_nodes,
    "dead_relu": reported.dead_relu,
    "pool_then_relu": reported.pool_then_relu,
    "read_before_and_behind": reported.read_before_and_behind,
    "branch_in_front_of_relu": partial(reported.branch_reads, behind=False),
    "branch_behind_relu": partial(reported.branch_reads, behind=True),
    "gemm_beta": partial(reported.gemm_factors, alpha=1.0, beta=0.2),
    "gemm_alpha": partial(reported.gemm_factors, alpha=3.0, beta=1.0),
    "gemm_alpha_beta": partial(reported.gemm_factors, alpha=0.5, beta=2.0),
    "gemm_bias_row": partial(reported.gemm_bias, shape=(1, 8)),
    "gemm_bias_number": partial(reported.gemm_bias, shape=()),
    "computed_bias": reported.computed_bias,
    "large_bias": reported.large_bias,
    "local_functions": partial(reported.local_functions, nested=False),
    "nested_functions": partial(reported.local_functions, nested=True),
    "dropout": partial(reported.dropout, training=None),
    "dropout_off": partial(reported.dropout, training=False),
    "dropout_off_by_node": partial(reported.dropout, training=False, constant_node=True),
    "batch_normalization": partial(reported.batch_normalization, training=False),
    "empty_inputs": reported.empty_inputs,
    "empty_slice": reported.empty_slice,
    "clip_without_an_end": reported.clip_without_an_end,
    "pad_of_minus_infinity": reported.pad_of_minus_infinity,
    "mask_infinite_where": partial(reported.masked_attention, value=-INFINITY, operator="Where"),
    "mask_infinite_add": partial(reported.masked_attention, value=-INFINITY, operator="Add"),
    "mask_lowest_where": partial(reported.masked_attention, value=LOWEST, operator="Where"),
    "mask_lowest_add": partial(reported.masked_attention, value=LOWEST, operator="Add"),
    "gelu": reported.gelu,
    "transposed": partial(reported.transposed, group=1),
}


def test_the_labels_spread_over_the_classes():
    """Otherwise a model that always names one class would pass."""
    for name, body in CASES.items():
        given, plain = (scores(load(body, plain)).argmax(axis=1) for plain in (False, True))
        assert np.mean(given == plain) >= 0.995, name
        assert np.bincount(given, minlength=reported.CLASSES).max() < 0.6 * len(given), name


@pytest.mark.parametrize(("dtype", "format", "per_channel"), settings())
@pytest.mark.parametrize("case", CASES)
def test_it_is_quantized_as_if_written_plainly(tmp_path, case, dtype, format, per_channel):
    given, plain = (load(CASES[case], plain) for plain in (False, True))
    quantized = make_quantized(given, tmp_path, dtype, format, per_channel)
    reference = plain_script(plain, tmp_path, dtype, format, per_channel)
    ours, theirs = agreement(quantized, given), agreement(reference, plain)
    assert ours >= theirs - TOLERANCE, f"{ours:.3f}, plainly {theirs:.3f}"
    assert ours > 0.8, f"{ours:.3f}, plainly {theirs:.3f}"


REFUSED = {
    "training_dropout": (
        partial(reported.dropout, training=True),
        r"Dropout 'n_t\d+' is in training mode.* after model\.eval\(\)",
    ),
    "training_dropout_by_node": (
        partial(reported.dropout, training=True, constant_node=True),
        r"Dropout 'n_t\d+' is in training mode",
    ),
    "training_normalization": (
        partial(reported.batch_normalization, training=True),
        r"BatchNormalization 'n_t\d+' is in training mode",
    ),
    "noise": (reported.noise, r"RandomNormalLike 'n_t\d+' gives other values in each run"),
    "fused": (reported.fused, r"FusedConv of com\.microsoft; the first is 'n_t\d+'"),
    "if": (partial(reported.inner_weights, kind="If"), r"If 'n_t\d+' holds MatMul '(then|else)'"),
    "loop": (partial(reported.inner_weights, kind="Loop"), r"Loop 'n_t\d+' holds MatMul 'inner'"),
    "scan": (partial(reported.inner_weights, kind="Scan"), r"Scan 'n_t\d+' holds MatMul 'inner'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_one_line(case):
    body, line = REFUSED[case]
    model = reported.make(body, plain=False, opset=14)
    with pytest.raises(UserError, match=line) as error:
        prepare(model)
    assert str(error.value).startswith("model.source: ") and "\n" not in str(error.value)


@pytest.mark.parametrize(("dtype", "format"), [("int8", "QDQ"), ("u8s8", "QOperator")])
def test_a_transposed_convolution_with_groups_is_refused_by_channel_alone(tmp_path, dtype, format):
    body = partial(reported.transposed, group=3)
    model = load(body, plain=False)
    with pytest.raises(UserError, match=r"cannot quantize ConvTranspose 'n_t\d+' by channel"):
        make_quantized(model, tmp_path, dtype, format, per_channel=True)
    quantized = make_quantized(model, tmp_path, dtype, format, per_channel=False)
    reference = plain_script(model, tmp_path, dtype, format, per_channel=False)
    assert agreement(quantized, model) >= agreement(reference, model) - TOLERANCE


@pytest.mark.parametrize(("dtype", "format", "per_channel"), settings())
def test_a_bias_for_each_image_of_a_fixed_batch(tmp_path, dtype, format, per_channel):
    body = partial(reported.gemm_bias, shape=(5, 8))
    given, plain = (load(body, plain, batch=5) for plain in (False, True))
    quantized = make_quantized(given, tmp_path, dtype, format, per_channel)
    reference = plain_script(plain, tmp_path, dtype, format, per_channel)
    assert agreement(quantized, given) >= agreement(reference, plain) - TOLERANCE


def rename(model, old, new):
    """Let a tensor have another name, the image and the scores too."""
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.name = new if value.name == old else value.name


# In the ordinary model k1 and k2 are weight and bias of the first convolution, which gives t3.
CLASHES = {
    "scale": [("k5", "t3_scale"), ("k6", "image_scale")],
    "zero_point": [("k5", "t4_zero_point"), ("k6", "k1_zero_point")],
    "quantized": [("t7", "t4_quantized"), ("k6", "k1_quantized")],
    "bias": [("k2", "b"), ("k6", "b0"), ("k10", "b_quantized")],
    "quantize_node": [("t7", "t4_QuantizeLinear"), ("t8", "t4_QuantizeLinear_Output")],
    "dequantized": [("t7", "t4_DequantizeLinear_Output"), ("k6", "k1_DequantizeLinear_Output")],
    "reduced": [("t7", "t4_ReduceMin"), ("t8", "t4_ReduceMax_Reshape")],
    "in_float": [("t7", "t3_kept_in_float"), ("t8", "t7_keep_in_float")],
    "image": [("image", "t4_quantized")],
    "image_as_stem": [("image", "x"), ("k5", "x_scale"), ("k6", "x_zero_point")],
    "scores": [("scores", "t4_DequantizeLinear_Output")],
    "scores_as_stem": [("scores", "y"), ("k5", "y_scale"), ("t4", "y_QuantizeLinear_Input")],
    "image_and_scores": [("image", "x"), ("scores", "x_quantized")],
}


@pytest.mark.parametrize(("dtype", "format", "per_channel"), settings())
@pytest.mark.parametrize("clash", CLASHES)
def test_names_do_not_matter(tmp_path, clash, dtype, format, per_channel):
    plain = load(reported.ordinary, plain=True)
    given = load(reported.ordinary, plain=False)
    for old, new in CLASHES[clash]:
        rename(given, old, new)
    onnx.checker.check_model(given)
    ends = [value.name for value in (*given.graph.input, *given.graph.output)]
    quantized = make_quantized(given, tmp_path, dtype, format, per_channel)
    assert [v.name for v in (*quantized.graph.input, *quantized.graph.output)] == ends
    reference = plain_script(plain, tmp_path, dtype, format, per_channel)
    ours, theirs = agreement(quantized, given), agreement(reference, plain)
    assert ours >= theirs - TOLERANCE, f"{ours:.3f}, plainly {theirs:.3f}"


@pytest.mark.parametrize("nested", [False, True])
def test_convolutions_in_functions_are_quantized(tmp_path, nested):
    model = load(partial(reported.local_functions, nested=nested), plain=False)
    quantized = make_quantized(model, tmp_path, "int8", "QDQ", False)
    assert not float_weighted(quantized)
    assert not float_weighted(make_quantized(model, tmp_path, "uint8", "QOperator", False))


@pytest.mark.parametrize("names", ["of nodes that are made", "none"])
@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
def test_names_of_nodes_do_not_matter(tmp_path, names, format):
    plain, given = (load(reported.clip_with_a_floor, plain=False) for _ in range(2))
    for number, node in enumerate(given.graph.node):
        endings = ("_QuantizeLinear", "_DequantizeLinear", "_quant", "_kept_in_float")
        made = f"{node.output[0]}{endings[number % len(endings)]}"
        node.name = "" if names == "none" else made
    setting = ("uint8", format, False)
    quantized = make_quantized(given, tmp_path, *setting)
    assert (scores(quantized) == scores(make_quantized(plain, tmp_path, *setting))).all()


@pytest.mark.parametrize("opset", [11, 12, *range(14, 23)])
@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
def test_any_opset(tmp_path, opset, format):
    model = load(reported.shared_bias, plain=False, opset=opset)
    setting = ("uint8", format, False)
    expected = make_quantized(load(reported.shared_bias, plain=False), tmp_path, *setting)
    quantized = make_quantized(model, tmp_path, *setting)
    assert np.abs(scores(quantized) - scores(expected)).max() < 1e-5


@pytest.mark.parametrize(("dtype", "format", "per_channel"), settings())
def test_scores_of_a_convolution(tmp_path, dtype, format, per_channel):
    """Of shape (batch, classes, 1, 1), as fully convolutional models give them."""
    plain, given = (load(reported.ordinary, plain=True) for _ in range(2))
    graph = given.graph
    head = graph.node[-1]
    axes = numpy_helper.from_array(np.array([2, 3]), "axes")
    weight = next(i for i in graph.initializer if i.name == reported.HEAD[0])
    kernel = np.ascontiguousarray(numpy_helper.to_array(weight).T[..., None, None])
    weight.CopyFrom(numpy_helper.from_array(kernel, weight.name))
    graph.initializer.append(axes)
    grown = helper.make_node("Unsqueeze", [head.input[0], "axes"], ["grown"], "grow")
    conv = helper.make_node("Conv", ["grown", *reported.HEAD], ["scores"], "head")
    graph.node.remove(head)
    graph.node.extend([grown, conv])
    for _ in range(2):
        graph.output[0].type.tensor_type.shape.dim.add().dim_value = 1
    quantized = make_quantized(given, tmp_path, dtype, format, per_channel)
    reference = plain_script(plain, tmp_path, dtype, format, per_channel)
    assert agreement(quantized, plain) >= agreement(reference, plain) - TOLERANCE


def test_an_output_without_a_shape(tmp_path):
    model = load(reported.ordinary, plain=True)
    expected = model.SerializeToString()
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, tmp_path / "model.onnx")
    loaded = load_model(tmp_path / "model.onnx")
    quantized = make_quantized(loaded, tmp_path, "uint8", "QDQ", False)
    plain = make_quantized(onnx.load_from_string(expected), tmp_path, "uint8", "QDQ", False)
    assert (scores(quantized) == scores(plain)).all()
