"""Write a small MobileNetV2 as an ONNX graph, with batch normalization kept as Mul and Add.

This is how tf2onnx leaves it behind the convolutions of Keras models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from export_onnx import IR_VERSION, OPSET, Array
from onnx import TensorProto, helper, numpy_helper

# Expanded channels, channels and stride of each block.
BLOCKS = ((64, 16, 2), (64, 24, 1), (96, 24, 1), (96, 40, 2), (160, 40, 1))
STEM, HEAD = 16, 96


class Normalized:
    """A convolution without bias, (out, in / groups, size, size), and factor and term, (out,)."""

    def __init__(self, weight: Array, factor: Array, term: Array, stride: int = 1) -> None:
        self.weight, self.factor, self.term, self.stride = weight, factor, term, stride


def build_mobilenet(
    layers: Mapping[str, Normalized],
    dense: tuple[Array, Array],
    description: str,
    metadata: Mapping[str, str],
) -> onnx.ModelProto:
    """Build the graph and check it.

    `layers` are `stem`, `head`, and `expand`, `depthwise` and `project` of each block, such as
    `block1_expand`; `dense` is a weight (HEAD, classes) and a bias. The model goes from `input`,
    float32 (batch, 32, 32, 3) with values 0 to 255, to `logits`, float32 (batch, classes).
    """
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, np.ndarray] = {
        "zero": np.array(0, np.float32), "six": np.array(6, np.float32),
    }  # fmt: skip

    def add(kind: str, name: str, inputs: Sequence[str], **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def normalized(name: str, source: str, clip: bool = True) -> str:
        layer = layers[name]
        size, stride = layer.weight.shape[2], layer.stride
        constants[f"{name}_weight"] = layer.weight
        constants[f"{name}_factor"] = layer.factor.reshape(1, -1, 1, 1)
        constants[f"{name}_term"] = layer.term.reshape(1, -1, 1, 1)
        last = add(
            "Conv", f"{name}_conv", [source, f"{name}_weight"],
            group=len(layer.weight) if "depthwise" in name else 1,
            kernel_shape=[size, size], pads=[size // 2] * 4, strides=[stride, stride],
        )  # fmt: skip
        last = add("Mul", f"{name}_mul", [last, f"{name}_factor"])
        last = add("Add", f"{name}_add", [last, f"{name}_term"])
        return add("Clip", f"{name}_relu6", [last, "zero", "six"]) if clip else last

    last = add("Transpose", "input_nchw", ["input"], perm=[0, 3, 1, 2])
    last, width = normalized("stem", last), STEM
    for number, (_, channels, stride) in enumerate(BLOCKS, start=1):
        before, name = last, f"block{number}"
        last = normalized(f"{name}_depthwise", normalized(f"{name}_expand", last))
        last = normalized(f"{name}_project", last, clip=False)
        if stride == 1 and channels == width:
            last = add("Add", f"{name}_sum", [before, last])
        width = channels
    last = add("GlobalAveragePool", "pool", [normalized("head", last)])
    last = add("Flatten", "flatten", [last])
    constants["dense_weight"], constants["dense_bias"] = dense
    add("Gemm", "logits", [last, "dense_weight", "dense_bias"])
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "mobilenet_shapes",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 32, 32, 3])],
            [
                helper.make_tensor_value_info(
                    "logits", TensorProto.FLOAT, ["batch", dense[0].shape[1]]
                )
            ],
            [numpy_helper.from_array(values, name) for name, values in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="training/train_mobilenet_shapes.py",
        doc_string=description,
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model
