"""Rule quantize: what is stored is what was asked for."""

import json
import re

import numpy as np
import onnx
import onnxruntime
import pytest
import yaml
from helpers import OPTIONS, RAW, REPOSITORY, Quantizer, make_classifier, make_images, make_network
from onnx import TensorProto, numpy_helper
from onnxruntime.quantization.calibrate import load_tensors_data
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.metadata import read_metadata
from ptq_comparison.quantization.quantize import check_recipe, quantize
from tqdm import tqdm

IMAGES, _ = make_images(30, seed=5)
TYPES = {
    "int8": ("QInt8", "QInt8"),
    "uint8": ("QUInt8", "QUInt8"),
    "u8s8": ("QUInt8", "QInt8"),
    "u16s8": ("QUInt16", "QInt8"),
    "s16u8": ("QInt16", "QUInt8"),
}
CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
DEFAULTS = {
    "format": "QDQ",
    "per_channel": False,
    "reduce_range": False,
    "nodes_to_exclude": [],
    "op_types_to_quantize": [],
    "extra_options": {},
}
NAMES = {"quantized.onnx", "quantized.json"}
PROVENANCE = {"model_sha256": "0" * 64, "method": "MinMax", "options": {}}


@pytest.fixture(scope="module")
def ranges(tmp_path_factory):
    path = tmp_path_factory.mktemp("ranges") / "ranges.json"
    batches = Batches.of(IMAGES, make_classifier(), RAW, 10)
    ranges = calibrate(make_classifier(), batches, "MinMax", {}, tqdm(disable=True))
    write_ranges(path, ranges, PROVENANCE)
    return path


@pytest.fixture
def make(ranges, tmp_path):
    def run(dtype="int8", **options):
        output = tmp_path / "quantized.onnx"
        types = dict(zip(("activation_type", "weight_type"), TYPES[dtype], strict=True))
        model = make_classifier()
        quantize(
            model,
            ranges,
            output,
            output.with_suffix(".json"),
            PROVENANCE,
            Batches.of(IMAGES, model, RAW, 10),
            **{**DEFAULTS, **types, **options},
        )
        assert {path.name for path in tmp_path.iterdir()} == NAMES
        return onnx.load(output)

    return run


def operators(model):
    return [node.op_type for node in model.graph.node]


def weight(model):
    """Return the quantized weights of the convolution."""
    (found,) = [i for i in model.graph.initializer if i.name.startswith("w_quantized")]
    return found.data_type, numpy_helper.to_array(found)


def scales(model):
    (found,) = [i for i in model.graph.initializer if i.name == "w_scale"]
    return numpy_helper.to_array(found)


@pytest.mark.parametrize(
    ("dtype", "activation", "element"),
    [
        ("int8", TensorProto.INT8, TensorProto.INT8),
        ("uint8", TensorProto.UINT8, TensorProto.UINT8),
        ("u8s8", TensorProto.UINT8, TensorProto.INT8),
        ("u16s8", TensorProto.UINT16, TensorProto.INT8),
        ("s16u8", TensorProto.INT16, TensorProto.UINT8),
    ],
)
def test_activations_and_weights_have_the_type(make, dtype, activation, element):
    model = make(dtype=dtype)
    initializers = {i.name: i for i in model.graph.initializer}
    zero_points = {
        initializers[node.input[2]].data_type
        for node in model.graph.node
        if node.op_type == "QuantizeLinear"
    }
    assert weight(model)[0] == element
    assert zero_points == {activation}
    assert "QuantizeLinear" in operators(model) and "DequantizeLinear" in operators(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (scores,) = session.run(None, {"image": IMAGES.astype(np.float32)})
    assert np.allclose(scores.sum(axis=1), 1, atol=0.05)


def test_per_tensor_is_the_default_and_per_channel_an_option(make):
    assert scales(make()).size == 1
    assert scales(make(per_channel=True)).shape == (3,)


def test_reduce_range_leaves_seven_bits(make):
    assert np.abs(weight(make())[1].astype(int)).max() > 64
    assert np.abs(weight(make(reduce_range=True))[1].astype(int)).max() <= 64


def test_qoperator_has_integer_operators(make):
    assert "QLinearConv" in operators(make(format="QOperator"))
    assert "QLinearConv" not in operators(make())


def test_excluded_nodes_stay_in_float(make):
    assert any(i.name.startswith("w_quantized") for i in make().graph.initializer)
    excluded = make(nodes_to_exclude=["conv"])
    assert not any(i.name.startswith("w_quantized") for i in excluded.graph.initializer)


def test_a_typo_in_excluded_nodes_suggests_the_right_name(make):
    with pytest.raises(UserError, match=r"nodes_to_exclude: .* no node 'convv'.*'conv'"):
        make(nodes_to_exclude=["convv"])


@pytest.mark.parametrize(
    ("changes", "opset", "line"),
    [
        ({"nodes_to_exclude": ["konv"]}, 13, "recipes.a.nodes_to_exclude: the model has no node "),
        ({"tensor_types": {"imag": "QUInt8"}}, 13, "recipes.a.tensor_types: the model has no"),
        (
            {"per_channel": True},
            12,
            "model.source: has opset 12, but recipes.a.per_channel with the format QDQ needs 13; "
            "set model.opset: 13",
        ),
    ],
)
def test_a_recipe_that_does_not_fit_the_model_is_named(changes, opset, line):
    model = make_classifier()
    model.opset_import[0].version = opset
    check_recipe(model, "recipes.a", {**OPTIONS, "per_channel": False})
    with pytest.raises(UserError, match=f"^{re.escape(line)}"):
        check_recipe(model, "recipes.a", {**OPTIONS, **changes})


def test_excluded_by_type(make):
    model = make(op_types_to_quantize=["Softmax"])
    assert not any(i.name.startswith("w_quantized") for i in model.graph.initializer)
    with pytest.raises(
        UserError, match=r"op_types_to_quantize: .*no operator of type 'Convv'.*'Conv'"
    ):
        make(op_types_to_quantize=["Convv"])


def test_symmetric_activations_are_centred(make):
    def zero_point(model):
        (found,) = [i for i in model.graph.initializer if i.name == "nchw_zero_point"]
        return int(numpy_helper.to_array(found))

    assert zero_point(make()) != 0
    assert zero_point(make(extra_options={"ActivationSymmetric": True})) == 0


def test_nothing_left_to_quantize_is_an_error(make):
    names = [node.name for node in make_classifier().graph.node]
    with pytest.raises(UserError, match=r"nothing was quantized"):
        make(nodes_to_exclude=names)


def test_nodes_that_stay_in_float_unasked_are_named(tmp_path, caplog):
    """QOperator models have no integer ConvTranspose."""
    layers = [("Conv", {}, {"u": np.ones((3, 3, 1, 1))})]
    layers += [("ConvTranspose", {}, {"w": np.ones((3, 3, 2, 2))})]
    model = make_network([*layers, ("GlobalAveragePool", {}, {}), ("Flatten", {}, {})])
    preprocessing = {**RAW, "layout": "NCHW"}
    batches = Batches.of(IMAGES, model, preprocessing, 10)
    ranges = calibrate(model, batches, "MinMax", {}, tqdm(disable=True))
    write_ranges(tmp_path / "ranges.json", ranges, PROVENANCE)
    for options, named in (
        ({}, True),
        ({"nodes_to_exclude": ["convtranspose1"]}, False),
        ({"op_types_to_quantize": ["Conv"]}, False),
        ({"format": "QDQ"}, False),
    ):
        caplog.clear()
        options = {**OPTIONS, "format": "QOperator", **options}
        output, check = tmp_path / "quantized.onnx", tmp_path / "quantized.json"
        quantize(model, tmp_path / "ranges.json", output, check, PROVENANCE, batches, **options)
        reason = "onnxruntime has no ConvTranspose in format QOperator"
        kept = {"convtranspose1": reason} if named else {}
        assert json.loads(check.read_text())["kept_in_float"] == kept, options
        assert read_metadata(onnx.load(output)).get("kept_in_float", {}) == kept
        assert (reason in caplog.text) == named


def test_output_bytes_are_the_same_every_time(make, tmp_path):
    make()
    first = (tmp_path / "quantized.onnx").read_bytes()
    make()
    assert (tmp_path / "quantized.onnx").read_bytes() == first


def test_metadata_tells_what_the_model_was_made_from(make):
    metadata = read_metadata(make(per_channel=True))
    assert {key: metadata[key] for key in PROVENANCE} == PROVENANCE
    assert metadata["quantization"]["per_channel"] is True
    assert metadata["quantization"]["weight_type"] == "QInt8"


def test_ranges_of_least_error_are_taken_as_they_are(tmp_path):
    """onnxruntime has no method MSE and reads only ranges of the method that it is told."""
    model = make_classifier()
    batches = Batches.of(IMAGES, model, RAW, 10)
    least = Quantizer(model, batches, tmp_path, "MSE", {"num_bins": 512}, per_channel=False)(model)
    assert scales(least).size == 1
    loaded = load_tensors_data(tmp_path / "ranges.json")
    initializers = {i.name: numpy_helper.to_array(i) for i in least.graph.initializer}
    low, high = (end.item() for end in loaded["r"].range_value)
    assert initializers["r_scale"] == pytest.approx((high - low) / 255)
