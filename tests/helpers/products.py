"""Models of one operator on integers, whose sums of two products may be beyond 16 bits."""

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

ACTIVATIONS = 64  # in one sum, at most
STEP = 1 / 255
# Shapes of activations and weight, and attributes.
OPERATORS = {
    "Conv": ([1, 8, 6, 6], [4, 8, 3, 3], {}),
    "Conv 1x1": ([1, ACTIVATIONS, 6, 6], [4, ACTIVATIONS, 1, 1], {}),
    "Conv by channel": ([1, 16, 6, 6], [16, 1, 3, 3], {"group": 16}),
    "Gemm": ([3, ACTIVATIONS], [2, ACTIVATIONS], {"transB": 1}),
    "MatMul": ([3, ACTIVATIONS], [ACTIVATIONS, 2], {}),
    "MatMul of one": ([1, ACTIVATIONS], [ACTIVATIONS, 2], {}),
}
QLINEAR = {"Conv": "QLinearConv", "Gemm": "QGemm", "MatMul": "QLinearMatMul"}


def make_product(
    operator: str = "MatMul",
    format: str = "QDQ",
    activation: str = "uint8",
    weight: str = "int8",
    levels: np.ndarray | int = 100,
    opset: int = 13,
) -> ModelProto:
    """Return a model of input x, float32 between 0 and 1, and output y.

    `levels` are those of the weight above its zero point, in the shape of the operator's weight;
    one level is 0.01.
    """
    shape, weight_shape, attributes = OPERATORS[operator]
    kind = operator.split()[0]
    zero = {"uint8": 0, "int8": -128, "uint16": 0, "int16": 0}[activation]
    weight_zero = {"int8": 0, "uint8": 128}[weight]
    stored = np.broadcast_to(levels, np.shape(levels) or weight_shape) + weight_zero
    largest = np.abs(stored - weight_zero).sum() / 100
    arrays = {
        "step": np.float32(STEP), "zero": np.array(zero, activation),
        "weight": stored.astype(weight), "weight_step": np.float32(0.01),
        "weight_zero": np.array(weight_zero, weight), "sum_step": np.float32(largest / 200),
    }  # fmt: skip
    grid, weight_grid = ["step", "zero"], ["weight_step", "weight_zero"]
    nodes = [helper.make_node("QuantizeLinear", ["x", *grid], ["levels"])]
    if format == "QOperator":
        names = ["levels", *grid, "weight", *weight_grid, *[""] * (kind == "Gemm")]
        domain = "com.microsoft" if kind == "Gemm" else ""
        names += ["sum_step", "zero"]
        nodes.append(
            helper.make_node(QLINEAR[kind], names, ["sums"], "it", domain=domain, **attributes)
        )
    else:
        nodes += [
            helper.make_node("DequantizeLinear", ["levels", *grid], ["values"]),
            helper.make_node("DequantizeLinear", ["weight", *weight_grid], ["factors"]),
            helper.make_node(kind, ["values", "factors"], ["float_sums"], "it", **attributes),
            helper.make_node("QuantizeLinear", ["float_sums", "sum_step", "zero"], ["sums"]),
        ]
    nodes.append(helper.make_node("DequantizeLinear", ["sums", "sum_step", "zero"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
