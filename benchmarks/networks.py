"""Networks of a real size with random weights, for measurements of memory and time."""

from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx.utils
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

IMAGE = 224  # height and width
CLASSES = 1000
OPSET = 13


class Stage(NamedTuple):
    """So many inverted residual blocks: kernel, stride of the first, expansion, channels.

    An expansion of 0 stands for a depthwise and a pointwise convolution, as in MobileNet.
    """

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


class Shape(NamedTuple):
    """Channels of the first convolution, the stages, and channels of a last convolution, if any."""

    stem: int
    stages: tuple[Stage, ...]
    head: int | None


# M. Tan and Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
# ICML 2019, table 1, in the variant Lite0: ReLU6, and no squeeze and excitation.
EFFICIENTNET_LITE0 = Shape(
    32,
    (
        Stage(1, 3, 1, 1, 16),
        Stage(2, 3, 2, 6, 24),
        Stage(2, 5, 2, 6, 40),
        Stage(3, 3, 2, 6, 80),
        Stage(3, 5, 1, 6, 112),
        Stage(4, 5, 2, 6, 192),
        Stage(1, 3, 1, 6, 320),
    ),
    1280,
)
# A. G. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
# Applications", 2017, table 1, with a quarter of the channels.
MOBILENET_025 = Shape(
    8,
    (
        Stage(1, 3, 1, 0, 16),
        Stage(2, 3, 2, 0, 32),
        Stage(2, 3, 2, 0, 64),
        Stage(6, 3, 2, 0, 128),
        Stage(2, 3, 2, 0, 256),
    ),
    None,
)


class _Graph:
    """Nodes and random constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._generator = np.random.default_rng(0)

    def constant(self, name: str, values: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def node(self, op_type: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [name], name=name, **attributes))
        return name

    def weight(self, name: str, shape: tuple[int, ...]) -> str:
        """Return a weight that keeps the size of activations through a ReLU (He et al. 2015)."""
        spread = np.sqrt(2 / np.prod(shape[1:]))
        return self.constant(name, self._generator.normal(0, spread, shape))

    def layer(
        self, name: str, given: str, weight: tuple[int, ...], stride: int, cut: bool = True
    ) -> str:
        """Add a convolution, its batch normalization, and ReLU6 if `cut`; return the output."""
        outputs, per_group, kernel, _ = weight
        made = self.node(
            "Conv",
            [given, self.weight(f"{name}.weight", weight)],
            f"{name}.conv",
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=outputs if per_group == 1 else 1,
        )
        values = (
            ("scale", self._generator.uniform(0.7, 1.3, outputs)),
            ("bias", self._generator.normal(0, 0.1, outputs)),
            ("mean", np.zeros(outputs)),
            ("var", np.ones(outputs)),
        )
        normalization = [self.constant(f"{name}.{kind}", array) for kind, array in values]
        made = self.node("BatchNormalization", [made, *normalization], f"{name}.bn")
        return self.node("Clip", [made, "zero", "six"], f"{name}.relu6") if cut else made


def make_network(shape: Shape) -> onnx.ModelProto:
    """Return a classifier of images (batch, 3, 224, 224), logits (batch, 1000)."""
    graph = _Graph()
    graph.constant("zero", np.array(0.0))
    graph.constant("six", np.array(6.0))
    last, channels = graph.layer("stem", "image", (shape.stem, 3, 3, 3), 2), shape.stem
    for number, stage in enumerate(shape.stages):
        for block in range(stage.blocks):
            name, given, wide = f"stage{number}.{block}", last, channels * max(1, stage.expansion)
            stride = stage.stride if block == 0 else 1
            if wide != channels:
                last = graph.layer(f"{name}.expand", last, (wide, channels, 1, 1), 1)
            kernel = (stage.kernel, stage.kernel)
            last = graph.layer(f"{name}.depthwise", last, (wide, 1, *kernel), stride)
            last = graph.layer(
                f"{name}.project", last, (stage.channels, wide, 1, 1), 1, not stage.expansion
            )
            if stage.expansion and stride == 1 and channels == stage.channels:
                last = graph.node("Add", [last, given], f"{name}.add")
            channels = stage.channels
    if shape.head:
        last, channels = graph.layer("head", last, (shape.head, channels, 1, 1), 1), shape.head
    last = graph.node("GlobalAveragePool", [last], "pool")
    last = graph.node("Flatten", [last], "flat")
    weight = graph.weight("classes.weight", (CLASSES, channels))
    bias = graph.constant("classes.bias", np.zeros(CLASSES))
    graph.node("Gemm", [last, weight, bias], "logits", transB=1)
    proto = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, IMAGE, IMAGE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])],
        graph.constants,
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    _normalize(model)
    return model


def _normalize(model: onnx.ModelProto) -> None:
    """Set batch normalization, and the last bias, by some images, as training would.

    Without it, a deep network of random weights says the same of every image.
    """
    noise = np.random.default_rng(1).uniform(-1, 1, (8, 3, 8, 8)).astype(np.float32)
    images = noise.repeat(IMAGE // 8, axis=2).repeat(IMAGE // 8, axis=3)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def value_of(name: str) -> np.ndarray:
        session = onnxruntime.InferenceSession(
            _extract(model, [name]).SerializeToString(), providers=["CPUExecutionProvider"]
        )
        value: np.ndarray = session.run([name], {"image": images})[0]
        return value

    def store(name: str, values: np.ndarray) -> None:
        constants[name].CopyFrom(numpy_helper.from_array(values, name))

    for node in model.graph.node:
        if node.op_type == "BatchNormalization":
            values = value_of(node.input[0])
            store(node.input[3], values.mean(axis=(0, 2, 3)))
            store(node.input[4], values.var(axis=(0, 2, 3)))
    store("classes.bias", -value_of("logits").mean(axis=0))


def _extract(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    """Return the part of a model that gives some tensors."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    return onnx.utils.Extractor(copy).extract_model(["image"], names)
