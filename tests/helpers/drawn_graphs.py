"""Small image classifiers drawn at random from the operators that such models have."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

SIDE, CLASSES = 8, 4
OPSETS = (11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22)
ACTIVATIONS = (
    "Relu", "Clip", "LeakyRelu", "HardSigmoid", "Sigmoid", "PRelu", "HardSwish", "Identity",
)  # fmt: skip
BLOCKS = (
    "conv", "conv", "conv", "depthwise", "activation", "activation", "pool", "pad", "slice",
    "resize", "residual", "gate", "concat", "split", "normalize", "scale", "transposes",
    "transposed_convolution", "reuse", "instance_normalize", "attention", "choice",
)  # fmt: skip
# Endings that onnxruntime's quantizer appends to names.
ENDINGS = (
    "_scale", "_zero_point", "_quantized", "_quantized_scale", "_QuantizeLinear", "0",
    "_QuantizeLinear_Output", "_DequantizeLinear_Output", "_QuantizeLinear_Input", "quantized",
)  # fmt: skip


class Drawing:
    """A graph that grows by what is drawn; tensors have the shape (batch, channels, h, w)."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.opset = draw(st.sampled_from(OPSETS))
        self.random = np.random.default_rng(draw(st.integers(0, 2**16)))
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.names = {"image", "scores"}
        # Tensors that may be read again, by shape; the last is the current one.
        self.shape = (3, SIDE, SIDE)
        self.tensor = "image"
        self.made: list[tuple[str, tuple[int, ...]]] = []
        self.unnamed = draw(st.integers(0, 4)) == 0

    def chance(self, of: int) -> bool:
        """Return True once in `of` times."""
        return self.draw(st.integers(1, of)) == 1

    def pick(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def name(self, stem: str) -> str:
        """Return a new name, at times one that the quantizer may make up."""
        if len(self.names) > 4 and self.chance(25):
            stem = self.pick(*sorted(self.names)) + self.pick(*ENDINGS)
        number, name = 0, stem
        while name in self.names:
            number += 1
            name = f"{stem}{number}"
        self.names.add(name)
        return name

    def constant(self, values: Any, stem: str = "w", shared: bool = True) -> str:
        """Return the name of a constant, at times one that has that shape already."""
        array = np.asarray(values)
        same = [
            name
            for name, known in self.constants.items()
            if known.shape == array.shape and known.dtype == array.dtype == np.float32
        ]
        if shared and same and self.chance(4):
            return self.pick(*same)
        name = self.name(stem)
        self.constants[name] = array
        return name

    def weights(self, *shape: int, size: float = 1.0) -> np.ndarray:
        fan_in = max(1, int(np.prod(shape[1:])))
        gain = size * self.pick(1.0, 1.0, 1.0, 1.0, 0.01, 30.0, 1e-7)
        return (gain * self.random.normal(size=shape) / np.sqrt(fan_in)).astype(np.float32)

    def vector(self, length: int) -> np.ndarray:
        gain = self.pick(0.3, 0.3, 0.3, 5.0, 0.001)
        return (gain * self.random.normal(size=length)).astype(np.float32)

    def add(
        self, op_type: str, inputs: list[str], outputs: int = 1, **attributes: Any
    ) -> list[str]:
        made = [self.name("t") for _ in range(outputs)]
        name = "" if self.unnamed and self.chance(2) else self.name(op_type.lower())
        self.nodes.append(helper.make_node(op_type, inputs, made, name=name, **attributes))
        return made

    def put(self, tensor: str, shape: tuple[int, ...]) -> None:
        """Let a tensor be the current one."""
        self.tensor, self.shape = tensor, shape
        self.made.append((tensor, shape))

    def bias(self, length: int) -> list[str]:
        kind = self.pick("own", "own", "own", "none", "empty")
        if kind == "own":
            return [self.constant(self.vector(length), "b")]
        return [""] if kind == "empty" else []

    def conv(self) -> None:
        channels, height, width = self.shape
        kernel, dilation = self.pick(1, 3), 1
        groups = self.pick(*[g for g in (1, 1, 1, 2, 3, 4) if channels % g == 0])
        outputs = groups * self.pick(1, 2, 3)
        attributes: dict[str, Any] = {"group": groups} if groups > 1 else {}
        padding = self.pick("same", "same", "none", "asymmetric", "auto", "dilated")
        if padding == "none" and min(height, width) < kernel:
            padding = "same"
        stride = self.pick(1, 1, 2) if min(height, width) > 3 else 1
        pads = [kernel // 2] * 4
        if padding == "none":
            pads = [0] * 4
        elif padding == "asymmetric":
            pads = [kernel // 2, kernel // 2, kernel // 2 + 1, kernel // 2]
        elif padding == "dilated" and kernel == 3:
            dilation, pads = 2, [2] * 4
            attributes["dilations"] = [2, 2]
        if padding == "auto":
            attributes["auto_pad"] = self.pick("SAME_UPPER", "SAME_LOWER")
            size = (-(-height // stride), -(-width // stride))
        else:
            attributes["pads"] = pads
            reach = dilation * (kernel - 1) + 1
            size = (
                (height + pads[0] + pads[2] - reach) // stride + 1,
                (width + pads[1] + pads[3] - reach) // stride + 1,
            )
        weight = self.constant(self.weights(outputs, channels // groups, kernel, kernel))
        inputs = [self.tensor, weight, *self.bias(outputs)]
        kernels = {"kernel_shape": [kernel, kernel]} if self.chance(2) else {}
        (made,) = self.add("Conv", inputs, strides=[stride, stride], **kernels, **attributes)
        self.put(made, (outputs, *size))

    def depthwise(self) -> None:
        channels = self.shape[0]
        weight = self.constant(self.weights(channels, 1, 3, 3))
        inputs = [self.tensor, weight, *self.bias(channels)]
        (made,) = self.add("Conv", inputs, group=channels, pads=[1, 1, 1, 1])
        self.put(made, self.shape)

    def transposed_convolution(self) -> None:
        channels, height, width = self.shape
        if height > SIDE:
            return
        groups = self.pick(1, 1, *([2] if channels % 2 == 0 else []))
        weight = self.constant(self.weights(channels, 2, 2, 2))
        inputs = [self.tensor, weight, *self.bias(2 * groups)]
        (made,) = self.add("ConvTranspose", inputs, strides=[2, 2], group=groups)
        self.put(made, (2 * groups, 2 * height, 2 * width))

    def activation(self) -> None:
        kind = self.pick(*ACTIVATIONS)
        inputs, attributes = [self.tensor], {}
        if kind == "HardSwish" and self.opset < 14:
            kind = "HardSigmoid"
        if kind == "Clip":
            low = self.pick(None, 0.0, 0.0, -1.0, 0.3, -np.inf)
            high = self.pick(None, 6.0, 6.0, 1.0, 0.5, np.inf)
            bounds = [
                "" if bound is None else self.scalar(bound, name)
                for bound, name in ((low, "low"), (high, "high"))
            ]
            inputs += bounds
        elif kind == "LeakyRelu":
            attributes["alpha"] = self.pick(0.01, 0.2)
        elif kind == "PRelu":
            slopes = np.abs(self.vector(self.shape[0])).reshape(-1, 1, 1)
            inputs.append(self.constant(slopes, "slope"))
        (made,) = self.add(kind, inputs, **attributes)
        self.put(made, self.shape)

    def scalar(self, value: float, stem: str) -> str:
        """Return a scalar constant, an initializer or the output of a Constant node."""
        array = np.array(value, np.float32)
        if not self.chance(4):
            return self.constant(array, stem, shared=False)
        name = self.name(stem)
        tensor = numpy_helper.from_array(array)
        self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        return name

    def pool(self) -> None:
        channels, height, width = self.shape
        if min(height, width) < 3:
            return
        kind = self.pick("MaxPool", "AveragePool")
        attributes = {"kernel_shape": [2, 2], "strides": [2, 2]}
        size = (height // 2, width // 2)
        if self.chance(3):
            attributes = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]}
            size = (height, width)
            if kind == "AveragePool" and self.chance(2):
                attributes["count_include_pad"] = 1
        (made,) = self.add(kind, [self.tensor], **attributes)
        self.put(made, (channels, *size))

    def pad(self) -> None:
        channels, height, width = self.shape
        pads = self.constant(np.array([0, 0, 1, 0, 0, 0, 0, 1]), "pads", shared=False)
        value = self.pick("none", "constant", "constant", "reflect")
        inputs = [self.tensor, pads]
        if value == "constant":
            inputs.append(self.scalar(self.pick(0.0, 0.5, -1.0, -np.inf), "value"))
        mode = "reflect" if value == "reflect" and min(height, width) > 1 else "constant"
        (made,) = self.add("Pad", inputs, mode=mode)
        if value == "constant" and self.chance(2):
            (made,) = self.add("MaxPool", [made], kernel_shape=[2, 2])
            self.put(made, (channels, height, width))
            return
        (made,) = self.add("Relu", [made])  # which cuts an infinite value off
        self.put(made, (channels, height + 1, width + 1))

    def slice(self) -> None:
        channels, height, width = self.shape
        if height < 2:
            return
        bounds = [
            self.constant(np.array([value]), stem, shared=False)
            for value, stem in ((1, "s"), (2**60, "e"), (2, "x"))
        ]
        (made,) = self.add("Slice", [self.tensor, *bounds])
        self.put(made, (channels, height - 1, width))

    def resize(self) -> None:
        channels, height, width = self.shape
        if height > SIDE:
            return
        scales = self.constant(np.array([1, 1, 2, 2], np.float32), "scales")
        region = self.constant(np.array([], np.float32), "region", shared=False)
        mode = self.pick("nearest", "linear")
        (made,) = self.add("Resize", [self.tensor, region, scales], mode=mode)
        self.put(made, (channels, 2 * height, 2 * width))

    def others(self, shape: tuple[int, ...]) -> list[str]:
        return [name for name, known in self.made if known == shape and name != self.tensor]

    def residual(self) -> None:
        others = self.others(self.shape)
        if others:
            (made,) = self.add(self.pick("Add", "Add", "Mul"), [self.tensor, self.pick(*others)])
            self.put(made, self.shape)

    def reuse(self) -> None:
        """Go on from an earlier tensor, so that one has several readers."""
        if self.made:
            earlier, shape = self.pick(*self.made)
            current, current_shape = self.tensor, self.shape
            self.tensor, self.shape = earlier, shape
            self.activation()
            if current_shape == self.shape:
                (made,) = self.add("Add", [current, self.tensor])
                self.put(made, self.shape)

    def gate(self) -> None:
        channels = self.shape[0]
        (pooled,) = self.add("GlobalAveragePool", [self.tensor])
        weight = self.constant(self.weights(channels, channels, 1, 1))
        (squeezed,) = self.add("Conv", [pooled, weight, *self.bias(channels)])
        (gate,) = self.add(self.pick("Sigmoid", "HardSigmoid"), [squeezed])
        (made,) = self.add("Mul", [self.tensor, gate])
        self.put(made, self.shape)

    def concat(self) -> None:
        channels, *size = self.shape
        fitting = [known for known in self.made if known[1][1:] == tuple(size)]
        if fitting and channels < 12:
            other, shape = self.pick(*fitting)
            (made,) = self.add("Concat", [self.tensor, other], axis=1)
            self.put(made, (channels + shape[0], *size))

    def split(self) -> None:
        channels, *size = self.shape
        if channels % 2 == 0:
            attributes = {"num_outputs": 2} if self.opset >= 18 else {}
            first, second = self.add("Split", [self.tensor], outputs=2, axis=1, **attributes)
            (made,) = self.add("Concat", [second, first], axis=1)
            self.put(made, (channels, *size))

    def normalize(self) -> None:
        channels = self.shape[0]
        inputs = [self.constant(self.vector(channels), "n") for _ in range(3)]
        variance = self.constant(np.abs(self.vector(channels)) + np.float32(0.1), "v", shared=False)
        (made,) = self.add("BatchNormalization", [self.tensor, *inputs, variance])
        self.put(made, self.shape)

    def instance_normalize(self) -> None:
        channels, height, width = self.shape
        if height * width > 1:
            inputs = [self.constant(self.vector(channels), "n") for _ in range(2)]
            (made,) = self.add("InstanceNormalization", [self.tensor, *inputs])
            self.put(made, self.shape)

    def attention(self) -> None:
        """Weigh the channels by each other, at times with a mask that is infinite."""
        channels, height, width = self.shape
        flat_shape = self.constant(np.array([0, channels, -1]), "shape", shared=False)
        (flat,) = self.add("Reshape", [self.tensor, flat_shape])
        (turned,) = self.add("Transpose", [flat], perm=[0, 2, 1])
        (scores,) = self.add("MatMul", [flat, turned])
        lowest = self.pick(-np.inf, float(np.finfo(np.float32).min), -100.0)
        mask = self.pick("none", "Where", "Add")
        if mask == "Where":
            inputs = [self.constant(np.eye(channels, dtype=bool), "kept", shared=False), scores]
            (scores,) = self.add("Where", [*inputs, self.scalar(lowest, "lowest")])
        elif mask == "Add":
            values = np.where(np.eye(channels, dtype=bool), 0, lowest).astype(np.float32)
            (scores,) = self.add("Add", [scores, self.constant(values, "mask", shared=False)])
        (weights,) = self.add("Softmax", [scores], axis=2)
        (mixed,) = self.add("MatMul", [weights, flat])
        image_shape = self.constant(np.array([0, channels, height, width]), "shape", shared=False)
        (made,) = self.add("Reshape", [mixed, image_shape])
        self.put(made, self.shape)

    def choice(self) -> None:
        """An If whose branches read tensors from outside."""
        others = self.others(self.shape)
        read = [self.tensor, self.pick(*others) if others else self.tensor]
        branches = []
        for tensor in read:
            made = self.name("t")
            node = helper.make_node(self.pick("Identity", "Relu", "Neg"), [tensor], [made])
            value = helper.make_tensor_value_info(made, TensorProto.FLOAT, None)
            branches.append(helper.make_graph([node], self.name("branch"), [], [value]))
        condition = self.constant(np.array(self.chance(2)), "condition", shared=False)
        (made,) = self.add("If", [condition], then_branch=branches[0], else_branch=branches[1])
        self.put(made, self.shape)

    def scale(self) -> None:
        kind = self.pick("Mul", "Add", "Sub", "Div")
        values = self.vector(self.shape[0]).reshape(-1, 1, 1)
        if kind == "Div":
            values = np.abs(values) + np.float32(0.5)
        (made,) = self.add(kind, [self.tensor, self.constant(values, "k", shared=kind != "Div")])
        self.put(made, self.shape)

    def transposes(self) -> None:
        (made,) = self.add("Transpose", [self.tensor], perm=[0, 2, 3, 1])
        if self.chance(2):
            (made,) = self.add("Relu", [made])
        (made,) = self.add("Transpose", [made], perm=[0, 3, 1, 2])
        self.put(made, self.shape)

    def head(self) -> None:
        """End in scores (batch, classes)."""
        channels, height, width = self.shape
        pooling = self.pick("GlobalAveragePool", "ReduceMean", "none")
        features = channels
        if pooling == "GlobalAveragePool":
            (pooled,) = self.add("GlobalAveragePool", [self.tensor])
        elif pooling == "ReduceMean":
            if self.opset >= 18:
                axes = self.constant(np.array([2, 3]), "axes", shared=False)
                (pooled,) = self.add("ReduceMean", [self.tensor, axes])
            else:
                (pooled,) = self.add("ReduceMean", [self.tensor], axes=[2, 3])
        else:
            pooled, features = self.tensor, channels * height * width
        (flat,) = self.add("Flatten", [pooled])
        if self.chance(2):
            flat, features = self.product(flat, features, self.pick(4, 6)), self.width
            (flat,) = self.add("Relu", [flat])
        scores = self.product(flat, features, CLASSES)
        if self.chance(2):
            (scores,) = self.add("Softmax", [scores], axis=1)
        self.nodes[-1].output[0] = "scores"

    def product(self, tensor: str, features: int, outputs: int) -> str:
        self.width = outputs
        transposed = self.pick(0, 1)
        shape = (outputs, features) if transposed else (features, outputs)
        if self.chance(3):
            weight = self.constant(self.weights(features, outputs))
            (made,) = self.add("MatMul", [tensor, weight])
            (made,) = self.add("Add", [made, self.constant(self.vector(outputs), "b")])
            return made
        attributes: dict[str, Any] = {"transB": transposed} if transposed else {}
        if self.chance(3):
            attributes["alpha"] = self.pick(0.5, 2.0)
        if self.chance(3):
            attributes["beta"] = self.pick(0.5, 2.0, 0.0)
        inputs = [tensor, self.constant(self.weights(*shape))]
        kind = self.pick("vector", "vector", "row", "scalar", "none", "empty")
        if kind in ("vector", "row"):
            bias = self.vector(outputs)
            inputs.append(self.constant(bias if kind == "vector" else bias[np.newaxis], "b"))
        elif kind == "scalar":
            inputs.append(self.constant(self.vector(1)[0], "b"))
        elif kind == "empty":
            inputs.append("")
        (made,) = self.add("Gemm", inputs, **attributes)
        return made

    def model(self) -> ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "drawn",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", CLASSES])],
            [numpy_helper.from_array(values, name) for name, values in self.constants.items()],
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8
        )


@st.composite
def classifiers(draw: Any) -> ModelProto:
    """Draw a classifier of images (batch, 3, 8, 8) in four classes."""
    drawing = Drawing(draw)
    drawing.conv()
    for block in draw(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=8)):
        getattr(drawing, block)()
    drawing.head()
    return drawing.model()
