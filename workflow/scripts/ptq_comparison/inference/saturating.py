"""Where sums of two products can go beyond 16 bits: by the weights of a model, and on this CPU.

On x86-64 without VNNI, onnxruntime multiplies unsigned activations with signed weights by an
instruction that adds two products in 16 bits and saturates. It has other instructions for unsigned
weights, and for signed activations. Those of a QDQ model it makes unsigned where it can; those of
a QLinear operator stay as they are. A model that is quantized dynamically has MatMulInteger, which
saturates, too, and ConvInteger, which does not: its kernel exchanges the two, and multiplies signed
weights with unsigned activations.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ptq_comparison.inference.saturation_trial import (
    LARGEST_ACTIVATION,
    TRIAL_LEVELS,
    TRIAL_WEIGHT,
    saturates,
)
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.graph import attribute, describe
from ptq_comparison.model.layers import constants

QDQ_OPERATORS = ("Conv", "MatMul", "Gemm")
QLINEAR_OPERATORS = ("QLinearConv", "QLinearMatMul", "QGemm")
LIMITS = np.iinfo(np.int16)


def saturating_operators(model: onnx.ModelProto) -> list[str]:
    """Return the operators whose sums can saturate on x86-64 without VNNI, as type and name.

    It is a bound, for any input: two activations of 255 meet the two largest weights of an output
    that have one sign. Which weights make a pair is not looked at.
    """
    arrays = constants(model)
    dequantized = {
        name: node
        for node in model.graph.node
        if node.op_type == "DequantizeLinear"
        for name in node.output
    }
    found = []
    for node in model.graph.node:
        inputs = list(node.input)
        if node.op_type in QLINEAR_OPERATORS:
            activation, weight, types = inputs[:3], inputs[3:6], ["uint8"]
        elif node.op_type == "MatMulInteger":  # without scales
            activation, weight = ([inputs[n], "", *inputs[n + 2 : n + 3]] for n in (0, 1))
            types = ["uint8"]
        elif node.op_type in QDQ_OPERATORS and all(name in dequantized for name in inputs[:2]):
            activation, weight = (list(dequantized[name].input) for name in inputs[:2])
            types = ["uint8", "int8"]
        else:
            continue
        if _type_of(activation, arrays) not in types or _type_of(weight, arrays) != "int8":
            continue
        if weight[0] not in arrays or _is_beyond(_by_output(node, arrays[weight[0]])):
            found.append(describe(node))
    return found


def _type_of(levels: list[str], arrays: dict[str, np.ndarray]) -> str:
    """Return the type of an integer tensor, given its name and those of scale and zero point."""
    known = [arrays[name].dtype.name for name in (levels[0], *levels[2:3]) if name in arrays]
    return known[0] if known else "uint8"  # what it is without a zero point


def _by_output(node: onnx.NodeProto, levels: np.ndarray) -> np.ndarray:
    """Return a weight with a row for each output."""
    if node.op_type in ("Conv", "QLinearConv") or attribute(node, "transB", 0):
        return levels.reshape(len(levels), -1)
    if levels.ndim < 2:  # a vector, of which MatMul makes one output
        return levels.reshape(1, -1)
    return np.swapaxes(levels, -1, -2).reshape(-1, levels.shape[-2])


def _is_beyond(rows: np.ndarray) -> bool:
    """Tell whether 255 times the sum of two weights of a row can go beyond 16 bits."""
    ordered = np.sort(rows.astype(np.int32), axis=1)
    highest, lowest = ordered[:, -2:].sum(axis=1), ordered[:, :2].sum(axis=1)
    return bool(
        (LARGEST_ACTIVATION * highest > LIMITS.max).any()
        or (LARGEST_ACTIVATION * lowest < LIMITS.min).any()
    )


def kernels_saturate() -> bool:
    """Tell whether the kernels that onnxruntime chooses on this CPU saturate, see `saturates`."""
    return saturates(make_session(make_trial(), threads=1))


def make_trial() -> onnx.ModelProto:
    """Return a model of a convolution and a product of the same numbers, for `saturates`."""
    weight = np.full((8, 64, 1, 1), TRIAL_WEIGHT, np.int8)
    arrays: dict[str, np.ndarray] = {
        "kernel": weight,
        "matrix": weight.reshape(8, 64).T,
        "one": np.array(1, np.float32),
        "step": np.array(LARGEST_ACTIVATION * TRIAL_WEIGHT, np.float32),
        "zero": np.array(0, np.uint8),
        "signed_zero": np.array(0, np.int8),
    }

    def operator(kind: str, levels: str, weight: str, output: str) -> onnx.NodeProto:
        names = [levels, "one", "zero", weight, "one", "signed_zero", "step", "zero"]
        return helper.make_node(kind, names, [output])

    nodes = [
        operator("QLinearConv", "levels", "kernel", "convolved"),
        helper.make_node("Flatten", ["levels"], ["rows"]),
        operator("QLinearMatMul", "rows", "matrix", "multiplied"),
    ]
    uint8 = onnx.TensorProto.UINT8
    graph = helper.make_graph(
        nodes,
        "trial",
        [helper.make_tensor_value_info("levels", uint8, list(TRIAL_LEVELS.shape))],
        [helper.make_tensor_value_info(n, uint8, None) for n in ("convolved", "multiplied")],
        [numpy_helper.from_array(np.ascontiguousarray(v), name) for name, v in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
