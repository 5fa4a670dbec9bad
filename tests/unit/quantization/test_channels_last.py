"""Fewer Transposes around Add where onnxruntime runs a model whose first layer is in float32."""

import numpy as np
import onnx
import pytest
from helpers import Quantizer
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.executed import optimized_graph
from ptq_comparison.quantization.activation_grids import stored_grids
from ptq_comparison.quantization.channels_last import keep_channels_last
from ptq_comparison.quantization.uint8_input import check_same_scores

IMAGES = np.random.default_rng(3).integers(0, 256, (24, 16, 16, 3)).astype(np.uint8)
UNIT = {"layout": "auto", "scale": 1 / 255, "mean": 0.0, "std": 1.0, "channels": "RGB"}
TYPES = {"int8": ("QInt8", "QInt8"), "uint8": ("QUInt8", "QUInt8"), "u8s8": ("QUInt8", "QInt8")}
ONE = "u8s8"


def make_residual(blocks: int = 2, layout: str = "NHWC") -> ModelProto:
    """Return a convolution `stem`, and residual blocks of two convolutions and an Add behind it."""
    random = np.random.default_rng(1)
    nodes, constants = [], []

    def conv(tensor: str, name: str, inputs: int) -> str:
        weights = random.normal(0, 0.1, (16, inputs, 3, 3)).astype(np.float32)
        constants.append(numpy_helper.from_array(weights, f"{name}_w"))
        given = [tensor, f"{name}_w"]
        nodes.append(helper.make_node("Conv", given, [name], name=name, pads=[1, 1, 1, 1]))
        return name

    def relu(tensor: str) -> str:
        nodes.append(helper.make_node("Relu", [tensor], [f"{tensor}_r"], name=f"{tensor}_r"))
        return f"{tensor}_r"

    start = "image"
    if layout == "NHWC":
        nodes.append(
            helper.make_node("Transpose", ["image"], ["nchw"], name="t", perm=[0, 3, 1, 2])
        )
        start = "nchw"
    tensor = relu(conv(start, "stem", 3))
    for number in range(blocks):
        inner = conv(relu(conv(tensor, f"a{number}", 16)), f"b{number}", 16)
        nodes.append(helper.make_node("Add", [tensor, inner], [f"s{number}"], name=f"s{number}"))
        tensor = relu(f"s{number}")
    nodes.append(helper.make_node("GlobalAveragePool", [tensor], ["pool"], name="pool"))
    nodes.append(helper.make_node("Flatten", ["pool"], ["scores"], name="flat"))
    shape = ["n", 16, 16, 3] if layout == "NHWC" else ["n", 3, 16, 16]
    graph = helper.make_graph(
        nodes,
        "residual",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 16])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model, full_check=True)
    return model


def quantized(folder, model, dtype=ONE, **options):
    batches = Batches.of(IMAGES, model, UNIT, 8)
    activations, weights = TYPES[dtype]
    options |= {"activation_type": activations, "weight_type": weights}
    return Quantizer(model, batches, folder, **options)(model), batches


def transposes(model):
    """How many Transposes of whole images onnxruntime runs."""
    return sum(node.op_type == "Transpose" for node in optimized_graph(model).node)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize(
    ("dtype", "format"),
    [(ONE, "QOperator"), ("uint8", "QOperator"), (ONE, "QDQ"), ("uint8", "QDQ")],
)
def test_one_transpose_is_left_of_each_block(tmp_path, layout, dtype, format):
    model = make_residual(3, layout)
    own = {"format": format, "nodes_to_exclude": ["stem"]}
    before, batches = quantized(tmp_path, model, dtype, **own)
    unchanged = before.SerializeToString()
    after = keep_channels_last(before)
    onnx.checker.check_model(after, full_check=True)
    # Of three blocks: before and behind the convolutions of each.
    assert transposes(before) - transposes(after) >= 4
    check_same_scores(before, after, batches)
    assert stored_grids(after, model) == stored_grids(before, model)
    assert before.SerializeToString() == unchanged


@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
def test_where_float32_does_not_end_before_a_block_nothing_changes(tmp_path, format):
    for excluded in ([], ["s1"], ["pool"], ["a0"]):
        own = {"format": format, "nodes_to_exclude": excluded}
        model, _ = quantized(tmp_path, make_residual(), **own)
        assert keep_channels_last(model) is model


def test_signed_models_in_qdq_format_stay(tmp_path):
    own = {"format": "QDQ", "nodes_to_exclude": ["stem"]}
    model, _ = quantized(tmp_path, make_residual(), "int8", **own)
    assert keep_channels_last(model) is model


@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
def test_a_block_behind_a_layer_in_the_middle(tmp_path, format):
    """The Add before the second block is in float32; it is where integers begin again."""
    own = {"format": format, "nodes_to_exclude": ["stem", "s0", "s0_r"]}
    before, batches = quantized(tmp_path, make_residual(), **own)
    after = keep_channels_last(before)
    added = {node.name for node in after.graph.node} - {node.name for node in before.graph.node}
    assert len(added) % 3 == 0 and transposes(after) <= transposes(before)
    check_same_scores(before, after, batches)
