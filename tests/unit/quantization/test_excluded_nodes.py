"""Nodes that are excluded from quantization run in float32."""

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import OPTIONS, RAW, make_classifier, make_images, make_outlier_classifier
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.inference.batches import Batches
from ptq_comparison.quantization.excluded_nodes import keep_in_float
from ptq_comparison.quantization.quantize import quantize_model
from tqdm import tqdm

IMAGES, _ = make_images(60, seed=6)
PREFIX = "keep_in_float"


@pytest.fixture
def quantize(tmp_path):
    def run(model, excluded, **changes):
        ranges = tmp_path / "ranges.json"
        batches = Batches.of(IMAGES, model, RAW, 60)
        write_ranges(ranges, calibrate(model, batches, "MinMax", {}, tqdm(disable=True)), {})
        options = {**OPTIONS, "nodes_to_exclude": excluded, **changes}
        return quantize_model(model, ranges, options).model

    return run


def strip(model):
    """Return what quantize_static alone gives: the model without the added nodes."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    for added in [node for node in plain.graph.node if node.name.endswith(PREFIX)]:
        (source,) = [node for node in plain.graph.node if added.input[0] in node.output]
        source.output[0] = added.output[0]
        plain.graph.node.remove(added)
    return plain


def run(model, folder, **arguments):
    """Return the scores, and the operators that onnxruntime really runs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"], **arguments
    )
    (scores,) = session.run(None, {"image": IMAGES.astype(np.float32)})
    optimized = onnx.load(folder / "optimized.onnx")
    return scores, [node.op_type for node in optimized.graph.node]


def test_onnxruntime_alone_quantizes_an_excluded_convolution(quantize, tmp_path):
    """If this fails, onnxruntime has changed, and keep_in_float may not be needed any more."""
    scores, operators = run(strip(quantize(make_outlier_classifier(), ["outlier"])), tmp_path)
    assert operators.count("QLinearConv") == 2
    assert np.ptp(scores) < 1e-3  # the outlying weight has made all others 0


def test_an_excluded_convolution_runs_in_float(quantize, tmp_path):
    model = quantize(make_outlier_classifier(), ["outlier"])
    onnx.checker.check_model(model)
    scores, operators = run(model, tmp_path)
    assert operators.count("QLinearConv") == 1
    # At no cost: the added node is merged into the convolution.
    assert operators.count("FusedConv") == 1 and "LeakyRelu" not in operators
    expected, _ = run(strip(model), tmp_path, disabled_optimizers=["WeightBiasQuantization"])
    assert np.allclose(scores, expected, atol=1e-6) and np.ptp(scores) > 0.1


def test_also_where_an_activation_follows(quantize, tmp_path):
    """conv is excluded: DequantizeLinear, Conv, Relu, QuantizeLinear."""
    model = make_outlier_classifier()
    nodes = {node.name: node for node in model.graph.node}
    nodes["conv"].input[0], nodes["outlier"].input[0] = "o", "nchw"
    nodes["outlier"].input[1], nodes["conv"].input[1] = "w", "passing"
    nodes["pool"].input[0] = "r"
    names = ("transpose", "outlier", "conv", "relu", "pool", "flatten", "softmax")
    ordered = onnx.ModelProto()
    ordered.CopyFrom(model)
    ordered.graph.ClearField("node")
    ordered.graph.node.extend(nodes[name] for name in names)
    quantized = quantize(ordered, ["conv"])
    scores, operators = run(quantized, tmp_path)
    plain, plain_operators = run(strip(quantized), tmp_path)
    assert (operators.count("QLinearConv"), plain_operators.count("QLinearConv")) == (1, 2)
    assert np.ptp(scores) > 0.1 > 1e-3 > np.ptp(plain)


@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
def test_nothing_is_added_without_need(quantize, format):
    added = [
        node.name
        for model, excluded in (
            (make_classifier(), []),
            (make_classifier(), ["softmax"]),
            (make_classifier(), ["conv"]),  # the first: nothing before it is quantized
            (make_outlier_classifier(), ["outlier", "pool", "softmax"]),  # nothing behind it
        )
        for node in quantize(model, excluded, format=format).graph.node
        if node.name.endswith(PREFIX)
    ]
    assert added == []


def test_it_is_done_once(quantize):
    model = quantize(make_outlier_classifier(), ["outlier"])
    again = onnx.ModelProto()
    again.CopyFrom(model)
    assert keep_in_float(again) == [] and again == model
