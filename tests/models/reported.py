"""Small models of the kinds that people reported trouble with, each written in two equal ways.

One way is that of the report; the other, `plain`, is one that onnxruntime quantizes without damage.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from ptq_comparison.model.graph import with_outputs

SIDE, CLASSES, HEAD = 12, 4, ("head_weight", "head_bias")
INFINITY, LOWEST = np.inf, float(np.finfo(np.float32).min)


def make_images(count: int, seed: int) -> np.ndarray:
    """Return smooth noise, uint8 (N, 12, 12, 3)."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 216, (count, 3, 3, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return (coarse + generator.integers(0, 40, (count, SIDE, SIDE, 3))).astype(np.uint8)


CALIBRATION, IMAGES = make_images(60, seed=1), make_images(200, seed=2)


class Net:
    """A graph that grows node by node; equal calls give equal weights."""

    def __init__(self, plain: bool, opset: int = 13, batch: int | str = "batch") -> None:
        self.plain, self.opset, self.batch = plain, opset, batch
        self.random = np.random.default_rng(3)
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.functions: list[onnx.FunctionProto] = []
        self.number = 0

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return scale * self.random.normal(size=shape)

    def constant(self, values: Any, name: str = "", dtype: type = np.float32) -> str:
        name = name or self.free("k")
        self.constants[name] = np.asarray(values, dtype)
        return name

    def free(self, stem: str) -> str:
        self.number += 1
        return f"{stem}{self.number}"

    def add(self, op_type: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node of one output, and return that."""
        name = self.free("t")
        node = helper.make_node(op_type, inputs, [name], f"n_{name}", domain=domain, **attributes)
        self.nodes.append(node)
        return name

    def conv(
        self,
        tensor: str,
        inputs: int = 6,
        outputs: int = 6,
        size: int = 3,
        gain: float = 1.0,
        bias: str | None = None,
        **attributes: Any,
    ) -> str:
        scale = gain / (size * np.sqrt(inputs))
        weight = self.constant(self.normal(outputs, inputs, size, size, scale=scale))
        given = self.constant(self.normal(outputs, scale=0.2)) if bias is None else bias
        return self.add("Conv", tensor, weight, *filter(None, [given]), **attributes)

    def stem(self) -> str:
        return self.add("Relu", self.conv("image", 3, strides=[2, 2], pads=[1, 1, 1, 1]))

    def pool(self, tensor: str) -> str:
        return self.add("Flatten", self.add("GlobalAveragePool", tensor))

    def linear(self, tensor: str, inputs: int = 6, outputs: int = 8) -> str:
        weight = self.constant(self.normal(inputs, outputs) / np.sqrt(inputs))
        return self.add("Gemm", tensor, weight, self.constant(self.normal(outputs, scale=0.2)))

    def build(self, features: str, width: int) -> ModelProto:
        """Return the model whose last Gemm reads features (batch, width)."""
        node = helper.make_node("Gemm", [features, *HEAD], ["scores"], "head")
        head = dict(zip(HEAD, (np.zeros((width, CLASSES)), np.zeros(CLASSES)), strict=True))
        arrays = {**self.constants, **{n: a.astype(np.float32) for n, a in head.items()}}
        # onnx's checker wants a node after what it reads; builders add them in that order.
        graph = helper.make_graph(
            [*self.nodes, node],
            "reported",
            [helper.make_tensor_value_info("image", 1, [self.batch, 3, SIDE, SIDE])],
            [helper.make_tensor_value_info("scores", 1, [self.batch, CLASSES])],
            [numpy_helper.from_array(array, name) for name, array in arrays.items()],
        )
        opsets = [helper.make_opsetid("", self.opset)]
        domains = {n.domain for n in self.nodes} | {f.domain for f in self.functions}
        opsets += [helper.make_opsetid(domain, 1) for domain in sorted(domains - {""})]
        return helper.make_model(
            graph, opset_imports=opsets, ir_version=8, functions=self.functions
        )


# A body adds nodes and returns its features, (batch, n), and n.
Body = Callable[[Net], tuple[str, int]]


def shared_bias(net: Net) -> tuple[str, int]:
    """Of two convolutions whose results differ 50-fold."""
    x, bias = net.stem(), net.constant(net.normal(6, scale=0.2))
    strong = net.conv(x, gain=5.0, bias=bias)
    copied = net.constant(net.constants[bias]) if net.plain else bias
    weak = net.conv(x, gain=0.1, bias=copied)
    weak = net.conv(net.add("Relu", weak), size=1, gain=20.0)
    return net.pool(net.add("Concat", net.add("Relu", strong), weak, axis=1)), 12


def shared_weight(net: Net, turned: bool) -> tuple[str, int]:
    """One matrix for two products, once transposed."""
    x, weight = net.pool(net.stem()), net.normal(6, 6)
    weight *= np.linspace(0.1, 3, 6)
    first = net.constant(weight)
    second = net.constant(weight) if net.plain else first
    hidden = net.add("Relu", net.add("Gemm", x, first))
    return net.add("Gemm", hidden, second, transB=int(turned)), 6


def bias_as_operand(net: Net) -> tuple[str, int]:
    x, bias = net.pool(net.stem()), net.constant(net.normal(8))
    other = net.constant(net.constants[bias]) if net.plain else bias
    weight = net.constant(net.normal(6, 8))
    hidden = net.add("Relu", net.add("Gemm", x, weight, bias))
    return net.add("Add", hidden, other), 8


def shared_pad_constant(net: Net) -> tuple[str, int]:
    x, fill = net.stem(), net.constant(0.5)
    pads = net.constant([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)
    x = net.conv(net.add("Pad", x, pads, fill), gain=3.0)
    other = net.constant(0.5) if net.plain else fill
    return net.pool(net.conv(net.add("Pad", x, pads, other))), 6


def clip_with_a_floor(net: Net) -> tuple[str, int]:
    """Nothing below 0.5; written plainly as a Clip from 0 and a sum."""
    x = net.conv(net.stem(), gain=3.0)
    if net.plain:
        half = net.constant(0.5)
        x = net.add("Sub", x, half)
        x = net.add("Clip", x, net.constant(0.0), net.constant(1.5))
        x = net.add("Add", x, half)
    else:
        x = net.add("Clip", x, net.constant(0.5), net.constant(2.0))
    return net.pool(net.conv(x)), 6


def clip_of_constant_nodes(net: Net) -> tuple[str, int]:
    x = net.conv(net.stem(), gain=3.0)
    bounds = [0.0, 1.5]
    if net.plain:
        names = [net.constant(bound) for bound in bounds]
    else:
        values = [numpy_helper.from_array(np.float32(bound)) for bound in bounds]
        names = [net.add("Constant", value=value) for value in values]
    return net.pool(net.conv(net.add("Clip", x, *names))), 6


def dead_relu(net: Net) -> tuple[str, int]:
    """A Relu that is 0 on all images, beside a live branch."""
    x = net.stem()
    live = net.conv(x)
    dead = net.conv(x, bias=net.constant(np.full(6, -50.0)))
    if not net.plain:
        live = net.add("Add", net.add("Relu", dead), live)
    else:
        net.nodes.pop()
    return net.pool(net.conv(live)), 6


def pool_then_relu(net: Net) -> tuple[str, int]:
    """Maximum and Relu may change places."""
    x = net.conv(net.stem(), gain=3.0)
    for kind in ("Relu", "MaxPool") if net.plain else ("MaxPool", "Relu"):
        x = net.add(kind, x, **({"kernel_shape": [2, 2]} if kind == "MaxPool" else {}))
    return net.pool(net.conv(x)), 6


def read_before_and_behind(net: Net) -> tuple[str, int]:
    """A Relu and a product read one tensor; plainly, each has a convolution of its own."""
    x = net.stem()
    before = net.conv(x, gain=3.0)
    if net.plain:
        net.nodes.append(onnx.NodeProto())
        net.nodes[-1].CopyFrom(net.nodes[-2])
        again = net.nodes[-1]
        again.output[0], again.name = "again", "again"
        before, other = "again", before
    else:
        other = before
    half = net.add("Mul", other, net.constant(0.5))
    return net.pool(net.conv(net.add("Concat", net.add("Relu", before), half, axis=1), 12)), 6


def branch(net: Net, inside: Callable[[str], tuple[list[NodeProto], str]]) -> str:
    """Add an If on the brightness of the image, whose branches `inside` makes."""
    mean = net.add("ReduceMean", "image", keepdims=0)
    bright = net.add("Greater", mean, net.constant(-1.0))
    graphs = {}
    for name in ("then", "else"):
        nodes, output = inside(name)
        value = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graphs[f"{name}_branch"] = helper.make_graph(nodes, name, [], [value])
    return net.add("If", bright, **graphs)


def branch_reads(net: Net, behind: bool) -> tuple[str, int]:
    """A branch of an If reads a tensor in front of a Relu, or behind it."""
    before = net.conv(net.stem(), gain=3.0)
    after = net.add("Relu", before)
    read = after if behind else before
    factors = {"then": net.constant(2.0), "else": net.constant(-1.0)}

    def inside(name: str) -> tuple[list[NodeProto], str]:
        return [helper.make_node("Mul", [read, factors[name]], [f"{name}_out"])], f"{name}_out"

    scaled = net.add("Mul", read, factors["then"]) if net.plain else branch(net, inside)
    return net.pool(net.conv(net.add("Concat", after, scaled, axis=1), 12)), 6


def gemm_factors(net: Net, alpha: float, beta: float) -> tuple[str, int]:
    x, weight, bias = net.pool(net.stem()), net.normal(6, 8), net.normal(8, scale=0.5)
    if net.plain:
        hidden = net.add("Gemm", x, net.constant(alpha * weight), net.constant(beta * bias))
    else:
        names = net.constant(weight), net.constant(bias)
        hidden = net.add("Gemm", x, *names, alpha=alpha, beta=beta)
    return net.add("Relu", hidden), 8


def gemm_bias(net: Net, shape: tuple[int, ...]) -> tuple[str, int]:
    x, weight, bias = net.pool(net.stem()), net.constant(net.normal(6, 8)), net.normal(*shape)
    if not net.plain:
        return net.add("Relu", net.add("Gemm", x, weight, net.constant(bias))), 8
    if bias.size in (1, 8):
        vector = np.broadcast_to(bias.ravel(), 8)
        return net.add("Relu", net.add("Gemm", x, weight, net.constant(vector))), 8
    hidden = net.add("Add", net.add("Gemm", x, weight), net.constant(bias))
    return net.add("Relu", hidden), 8


def computed_bias(net: Net) -> tuple[str, int]:
    """A bias for each image."""
    pooled = net.pool(net.stem())
    bias, weight = net.linear(pooled), net.constant(net.normal(6, 8))
    if net.plain:
        half = net.add("Mul", bias, net.constant(0.5))
        return net.add("Relu", net.add("Add", net.add("Gemm", pooled, weight), half)), 8
    return net.add("Relu", net.add("Gemm", pooled, weight, bias, beta=0.5)), 8


def large_bias(net: Net) -> tuple[str, int]:
    """Weights of 1e-9 beside biases of 1 to 2, which are 1e11 steps of a product."""
    x = net.stem()
    live = net.conv(x)
    bias = np.linspace(1, 2, 6)
    tiny = net.conv(x, gain=1e-9, bias=net.constant(bias))
    if net.plain:
        net.nodes.pop()
        tiny = net.constant(bias.reshape(1, 6, 1, 1))
    return net.pool(net.conv(net.add("Add", live, tiny))), 6


def local_functions(net: Net, nested: bool) -> tuple[str, int]:
    x, weight = net.stem(), net.constant(net.normal(6, 6, 3, 3) / 8)
    bias = net.constant(net.normal(6))
    if net.plain:
        return net.pool(net.add("Relu", net.add("Conv", x, weight, bias))), 6
    imports = [helper.make_opsetid("", net.opset), helper.make_opsetid("own", 1)]
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], "inner"),
        helper.make_node("Relu", ["c"], ["y"], "inner_relu"),
    ]
    block = helper.make_function("own", "Block", ["x", "w", "b"], ["y"], nodes, imports)
    net.functions.append(block)
    if nested:
        call = [helper.make_node("Block", ["x", "w", "b"], ["y"], domain="own")]
        outer = helper.make_function("own", "Outer", ["x", "w", "b"], ["y"], call, imports)
        net.functions.append(outer)
    return net.pool(net.add("Outer" if nested else "Block", x, weight, bias, domain="own")), 6


def dropout(net: Net, training: bool | None, constant_node: bool = False) -> tuple[str, int]:
    """As exported: the mode is an initializer, the value of a node, or absent."""
    x = net.pool(net.stem())
    if not net.plain:
        inputs = [x, net.constant(0.5)]
        if training is not None and constant_node:
            mode = numpy_helper.from_array(np.array(training))
            inputs.append(net.add("Constant", value=mode))
        elif training is not None:
            inputs.append(net.constant(training, dtype=np.bool_))
        x = net.add("Dropout", *inputs)
    return net.add("Relu", net.linear(x)), 8


def batch_normalization(net: Net, training: bool) -> tuple[str, int]:
    x = net.stem()
    names = [net.constant(v) for v in (np.ones(6), np.zeros(6), np.zeros(6), np.ones(6))]
    mode = {"training_mode": 1} if training else {}
    x = net.add("BatchNormalization", x, *names, **mode)
    if training:
        net.nodes[-1].output.extend(["mean", "variance"])
    return net.pool(net.conv(x)), 6


def noise(net: Net) -> tuple[str, int]:
    x = net.stem()
    x = net.add("Add", x, net.add("RandomNormalLike", x, scale=0.1))
    return net.pool(x), 6


def empty_inputs(net: Net) -> tuple[str, int]:
    """A convolution with an empty name for its bias, and a Clip with one for its lower bound."""
    x = net.conv(net.stem(), gain=3.0, bias="")
    if not net.plain:
        net.nodes[-1].input.append("")
    top = net.constant(1.0)
    x = net.add("Min", x, top) if net.plain else net.add("Clip", x, "", top)
    return net.pool(net.conv(x)), 6


def empty_slice(net: Net) -> tuple[str, int]:
    x = net.stem()
    if not net.plain:
        ends = [net.constant([0], dtype=np.int64) for _ in range(2)]
        nothing = net.add("Slice", x, *ends, net.constant([1], dtype=np.int64))
        x = net.add("Concat", x, nothing, axis=1)
    return net.pool(net.conv(x)), 6


def clip_without_an_end(net: Net) -> tuple[str, int]:
    x = net.conv(net.stem(), gain=3.0)
    bounds = () if net.plain else (net.constant(0.0), net.constant(INFINITY))
    return net.pool(net.conv(net.add("Clip" if bounds else "Relu", x, *bounds))), 6


def pad_of_minus_infinity(net: Net) -> tuple[str, int]:
    x = net.conv(net.stem(), gain=3.0)
    if net.plain:
        x = net.add("MaxPool", x, kernel_shape=[2, 2], pads=[1, 1, 1, 1])
    else:
        pads = net.constant([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)
        x = net.add("Pad", x, pads, net.constant(-INFINITY))
        x = net.add("MaxPool", x, kernel_shape=[2, 2])
    return net.pool(net.conv(x)), 6


def masked_attention(net: Net, value: float, operator: str) -> tuple[str, int]:
    """Tokens 9 to 35 are masked; plainly, keys and values of the others are not computed."""
    x, tokens = net.stem(), 9
    shape = net.constant([0, 6, 36], dtype=np.int64)
    x = net.add("Transpose", net.add("Reshape", x, shape), perm=[0, 2, 1])
    seen = x
    if net.plain:
        places = [net.constant([n], dtype=np.int64) for n in (0, tokens, 1)]
        seen = net.add("Slice", x, *places)
    query, key, content = (
        net.add("MatMul", source, net.constant(net.normal(6, 6))) for source in (x, seen, seen)
    )
    scores = net.add("MatMul", query, net.add("Transpose", key, perm=[0, 2, 1]))
    hidden = np.arange(36) >= tokens
    if net.plain:
        pass
    elif operator == "Where":
        mask = net.constant(hidden, dtype=np.bool_)
        scores = net.add("Where", mask, net.constant(value), scores)
    else:
        scores = net.add("Add", scores, net.constant(np.where(hidden, value, 0.0)))
    mixed = net.add("MatMul", net.add("Softmax", scores, axis=-1), content)
    return net.add("ReduceMean", net.add("Add", mixed, x), axes=[1], keepdims=0), 6


def gelu(net: Net) -> tuple[str, int]:
    x = net.conv(net.stem(), gain=3.0)
    if net.plain:
        root = net.add("Div", x, net.constant(np.sqrt(2)))
        one = net.add("Add", net.add("Erf", root), net.constant(1.0))
        x = net.add("Mul", net.add("Mul", x, one), net.constant(0.5))
    else:
        x = net.add("Gelu", x, domain="com.microsoft")
    return net.pool(net.conv(x)), 6


def transposed(net: Net, group: int) -> tuple[str, int]:
    x, weight = net.stem(), net.constant(net.normal(6, 6 // group, 2, 2) / 3)
    x = net.add("ConvTranspose", x, weight, strides=[2, 2], group=group)
    return net.pool(net.conv(x)), 6


def ordinary(net: Net) -> tuple[str, int]:
    """Nothing that was reported."""
    x = net.add("Relu", net.conv(net.stem()))
    return net.add("Relu", net.linear(net.pool(net.add("Add", x, net.conv(x, size=1))))), 8


def inner_weights(net: Net, kind: str) -> tuple[str, int]:
    """A product in the graph of an If, a Loop or a Scan."""
    x, weight = net.pool(net.stem()), net.constant(net.normal(6, 6))
    value = helper.make_tensor_value_info

    def inside(name: str) -> tuple[list[NodeProto], str]:
        return [helper.make_node("MatMul", [x, weight], [f"{name}_out"], name)], f"{name}_out"

    if kind == "If":
        return branch(net, inside), 6
    product = helper.make_node("MatMul", ["state", weight], ["next"], "inner")
    state = [value(name, TensorProto.FLOAT, None) for name in ("state", "next")]
    if kind == "Loop":
        same = helper.make_node("Identity", ["go_on"], ["still"])
        inputs = [value("step", TensorProto.INT64, []), value("go_on", TensorProto.BOOL, [])]
        body = helper.make_graph([product, same], "body", [*inputs, state[0]],
                                 [value("still", TensorProto.BOOL, []), state[1]])  # fmt: skip
        trips = net.constant(2, dtype=np.int64)
        return net.add("Loop", trips, net.constant(True, dtype=np.bool_), x, body=body), 6
    row = value("row", TensorProto.FLOAT, None)
    body = helper.make_graph([product], "body", [state[0], row], [state[1]])
    rows = net.constant(np.ones((2, 1)))
    return net.add("Scan", x, rows, body=body, num_scan_inputs=1), 6


def fused(net: Net) -> tuple[str, int]:
    x, weight = net.stem(), net.constant(net.normal(6, 6, 3, 3))
    x = net.add("FusedConv", x, weight, domain="com.microsoft", activation="Relu")
    return net.pool(x), 6


# The body as reported, and plain.


@cache
def fitted(body: Body, plain: bool, opset: int = 13, batch: int | str = "batch") -> bytes:
    """Return the model of a body, whose head spreads the images over the classes."""
    head = fit(make(body, True, opset, batch))
    model = make(body, plain, opset, batch)
    for tensor in model.graph.initializer:
        if tensor.name in head:
            tensor.CopyFrom(numpy_helper.from_array(head[tensor.name], tensor.name))
    return model.SerializeToString()


def make(body: Body, plain: bool, opset: int = 13, batch: int | str = "batch") -> ModelProto:
    net = Net(plain, opset, batch)
    return net.build(*body(net))


def fit(model: ModelProto) -> dict[str, np.ndarray]:
    """Return weight and bias of a last Gemm of scores that vary about 0 from image to image."""
    features = model.graph.node[-1].input[0]
    session = onnxruntime.InferenceSession(with_outputs(model, [features]).SerializeToString())
    size = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value or len(IMAGES)
    pixels = IMAGES.transpose(0, 3, 1, 2).astype(np.float32) / 255
    parts = [
        session.run([features], {"image": pixels[start : start + size]})[0]
        for start in range(0, len(pixels), size)
    ]
    values = np.concatenate(parts)
    # The two directions in which the features differ most, and their opposites.
    _, sizes, directions = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    pair = directions[:2].T / sizes[:2] * np.sqrt(len(values))
    weight = np.hstack([pair, -pair])
    arrays = (weight, -(values @ weight).mean(axis=0))
    return {name: a.astype(np.float32) for name, a in zip(HEAD, arrays, strict=True)}
