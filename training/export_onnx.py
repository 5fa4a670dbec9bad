"""Write ResNet8 as an ONNX graph, with batch normalization folded into the convolutions.

The graph has the 25 nodes that MLPerf Tiny's ResNet8 has after folding, and the same bytes
whenever it is written from the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
IR_VERSION = 8  # the oldest that fits, so that older releases of ONNX Runtime load the file too

Array = NDArray[np.float32]
Layer = tuple[Array, Array]


class _Graph:
    """Nodes and constants in the order they are added; every node's output has the node's name."""

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = layers
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def node(self, kind: str, name: str, *inputs: str, **attributes: int | list[int]) -> str:
        node = helper.make_node(kind, list(inputs), [name], name=name)
        node.attribute.extend(helper.make_attribute(*item) for item in sorted(attributes.items()))
        self.nodes.append(node)
        return name

    def conv(self, name: str, source: str, stride: int = 1) -> str:
        weight, bias = self.layers[name]
        size = weight.shape[2]
        # Keras pads "same" convolutions of stride 2 at the bottom and right only.
        pads = [0] * 4 if size == 1 else [1] * 4 if stride == 1 else [0, 0, 1, 1]
        return self.node(
            "Conv",
            name,
            source,
            self.constant(f"{name}_weight", weight),
            self.constant(f"{name}_bias", bias),
            dilations=[1, 1],
            group=1,
            kernel_shape=[size, size],
            pads=pads,
            strides=[stride, stride],
        )


def build_resnet8(
    layers: Mapping[str, Layer], description: str, metadata: Mapping[str, str]
) -> onnx.ModelProto:
    """Build the graph from folded weights and check it.

    Args:
        layers: float32 (weight, bias) of ``stem_conv``, ``stack1_conv1``, ``stack1_conv2``, the
            same for stacks 2 and 3 with ``stack2_shortcut``, ``stack3_shortcut``, each weight
            (out, in, height, width), and ``dense``, whose weight is (64, classes). The first
            convolution takes raw pixel values.
        description: the model's doc_string.
        metadata: the model's metadata_props.

    Returns:
        A model from ``input``, float32 (batch, 32, 32, 3) with values 0 to 255, to
        ``probabilities``, float32 (batch, classes).

    Raises:
        KeyError: a layer is missing.
        onnx.checker.ValidationError: the graph is not valid ONNX.
    """
    graph = _Graph(layers)
    weight, bias = layers["dense"]
    last = graph.node("Transpose", "input_nchw", "input", perm=[0, 3, 1, 2])
    last = graph.node("Relu", "stem_relu", graph.conv("stem_conv", last))
    for stack, stride in (("stack1", 1), ("stack2", 2), ("stack3", 2)):
        inner = graph.conv(f"{stack}_conv1", last, stride)
        inner = graph.node("Relu", f"{stack}_relu1", inner)
        inner = graph.conv(f"{stack}_conv2", inner)
        skip = last if stride == 1 else graph.conv(f"{stack}_shortcut", last, stride)
        last = graph.node("Add", f"{stack}_add", skip, inner)
        last = graph.node("Relu", f"{stack}_relu2", last)
    last = graph.node("AveragePool", "pool", last, kernel_shape=[8, 8], strides=[8, 8])
    shape = graph.constant("flatten_shape", np.array([-1, weight.shape[0]], np.int64))
    last = graph.node("Reshape", "flatten", last, shape)
    last = graph.node("MatMul", "dense_matmul", last, graph.constant("dense_weight", weight))
    last = graph.node("Add", "dense_add", last, graph.constant("dense_bias", bias))
    graph.node("Softmax", "probabilities", last, axis=-1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "resnet8_shapes",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 32, 32, 3])],
            [
                helper.make_tensor_value_info(
                    "probabilities", TensorProto.FLOAT, ["batch", weight.shape[1]]
                )
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="training/train_resnet8_shapes.py",
        doc_string=description,
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model
