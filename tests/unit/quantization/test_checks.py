"""The gate after quantization: a model that is not what was asked for is refused.

Other tools were seen to ignore reduce_range, or to write the same file for int8 and uint8.
"""

import numpy as np
import onnx
import pytest
from helpers import RAW, Quantizer, make_classifier, make_images, make_network
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader
from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.batches import Batches
from ptq_comparison.quantization.checks import check_outputs, check_stored, is_quantized
from ptq_comparison.quantization.quantized_weights import stored_weights

IMAGES, _ = make_images(30, seed=5)
ASKED = {
    "activation_type": "QInt8",
    "weight_type": "QInt8",
    "per_channel": False,
    "reduce_range": False,
    "format": "QDQ",
}
UNSIGNED = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8}


class Reader(CalibrationDataReader):
    def __init__(self):
        self.inputs = iter([{"image": IMAGES.astype(np.float32)}])

    def get_next(self):
        return next(self.inputs, None)


@pytest.fixture
def make(tmp_path):
    def run(**options):
        types = {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8}
        path = tmp_path / "quantized.onnx"
        quantize_static(make_classifier(), path, Reader(), **{**types, **options})
        return onnx.load(path)

    return run


@pytest.mark.parametrize("format", list(QuantFormat))
@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, {}),
        ({"per_channel": True}, {"per_channel": True}),
        ({"reduce_range": True}, {"reduce_range": True}),
        (UNSIGNED, {"activation_type": "QUInt8", "weight_type": "QUInt8"}),
        ({**UNSIGNED, "reduce_range": True},
         {"activation_type": "QUInt8", "weight_type": "QUInt8", "reduce_range": True}),
    ],
)  # fmt: skip
def test_what_was_asked_for_passes_and_nothing_else_does(make, format, options, asked):
    model = make(quant_format=format, **options)
    right = {**ASKED, **asked, "format": format.name}
    check_stored(model, right)
    for key, other in (
        ("activation_type", "QUInt8" if right["activation_type"] == "QInt8" else "QInt8"),
        ("weight_type", "QUInt8" if right["weight_type"] == "QInt8" else "QInt8"),
        ("per_channel", not right["per_channel"]),
        ("reduce_range", not right["reduce_range"]),
    ):
        with pytest.raises(UserError, match=r"stored, .* asked for"):
            check_stored(model, {**right, key: other})


def test_weights_that_onnxruntime_signs_without_a_word_are_refused(make):
    """Unsigned weights per channel as QOperator come out signed, and may then saturate."""
    model = make(quant_format=QuantFormat.QOperator, per_channel=True, **UNSIGNED)
    asked = {"activation_type": "QUInt8", "weight_type": "QUInt8", "per_channel": True}
    line = r"weights of 'w_quantized': INT8 stored, QUInt8 asked for; by channel set format to QDQ"
    with pytest.raises(UserError, match=line):
        check_stored(model, {**ASKED, **asked, "format": "QOperator"})
    check_stored(make(per_channel=True, **UNSIGNED), {**ASKED, **asked})


def test_unsigned_weights_of_7_bits_by_channel_reach_128(make):
    """They are symmetric, with the zero point 64 and as many levels above it as below."""
    model = make(per_channel=True, reduce_range=True, **UNSIGNED)
    (stored,) = stored_weights(model)
    assert (stored.zero_point == 64).all() and stored.values.max() == 128
    asked = {"activation_type": "QUInt8", "weight_type": "QUInt8", "per_channel": True}
    check_stored(model, {**ASKED, **asked, "reduce_range": True})
    with pytest.raises(UserError, match=r"values from \d+ to 128 stored, 8 bits asked for"):
        check_stored(model, {**ASKED, **asked})


@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
@pytest.mark.parametrize("attributes", [{}, {"transB": 1}])
def test_a_product_has_one_scale_for_each_of_its_outputs(tmp_path, format, attributes):
    shape = (5, 192) if attributes else (192, 5)
    weight = np.random.default_rng(0).normal(size=shape)
    layers = [("Flatten", {}, {}), ("Gemm", attributes, {"w": weight, "b": np.zeros(5)})]
    model = make_network(layers)
    batches = Batches.of(IMAGES, model, RAW, 10)
    quantize = Quantizer(model, batches, tmp_path, per_channel=True, format=format)
    check_stored(quantize(model), quantize.options)
    (stored,) = stored_weights(quantize(model))
    assert stored.scale.shape == stored.zero_point.shape == (5,)
    assert stored.values.shape[stored.axis] == 5


def test_a_float_model_is_not_quantized():
    assert not is_quantized(make_classifier())
    keys = r"nodes_to_exclude, .*: nothing was quantized; leave something to quantize"
    for options, line in (
        ({}, r"model\.source: nothing was quantized: .* for any of Conv, Flatten, "),
        ({"nodes_to_exclude": ["conv"]}, keys),
        ({"op_types_to_quantize": ["Gemm"]}, keys),
    ):
        asked = {**ASKED, "nodes_to_exclude": [], "op_types_to_quantize": [], **options}
        with pytest.raises(UserError, match=line):
            check_stored(make_classifier(), asked)


def check(model, float_model=None):
    float_model = float_model or make_classifier()
    check_outputs(model, float_model, Batches.of(IMAGES, float_model, RAW, 10))


def test_a_sound_model_runs(make):
    check(make())


def test_a_model_that_onnxruntime_cannot_load_is_refused(make):
    model = make()
    model.graph.node[3].op_type = "NoSuchOperator"
    with pytest.raises(UserError, match=r"onnxruntime cannot run the quantized model"):
        check(model)


def set_scale(model, name, value):
    (scale,) = [i for i in model.graph.initializer if i.name == name]
    scale.CopyFrom(numpy_helper.from_array(np.float32(value), name))


def test_scores_must_be_finite(make):
    model = make()
    (last,) = [node for node in model.graph.node if "scores" in node.output]
    set_scale(model, last.input[1], np.nan)
    with pytest.raises(UserError, match=r"scores that are not finite"):
        check(model)


def test_probabilities_must_sum_to_one_where_the_model_ends_in_softmax(make):
    model = make()
    (last,) = [node for node in model.graph.node if "scores" in node.output]
    scale = next(i for i in model.graph.initializer if i.name == last.input[1])
    set_scale(model, scale.name, numpy_helper.to_array(scale) / 8)
    with pytest.raises(UserError, match=r"sum to 1 only within 0\.[5-9]"):
        check(model)
    logits = make_classifier()
    del logits.graph.node[-1]
    logits.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("f", onnx.TensorProto.FLOAT, ["batch", 3])
    )
    logits.graph.node[-1].output[0] = "f"
    quantized = onnx.ModelProto()
    quantized.CopyFrom(logits)
    check(quantized, logits)
