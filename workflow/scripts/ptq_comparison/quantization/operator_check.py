"""Whether each quantized operator computes what its float32 operator does, but for rounding.

Given the same values, the results may differ by the rounding of the result alone, which is half a
step of its grid; operators on integers may round once more. Constants are stored half a step off at
most, and a grid reaches as far as the range that it was made from.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypedDict

import numpy as np
import onnx

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.inference.model_inputs import Batch
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.graph import describe
from ptq_comparison.model.layers import constants
from ptq_comparison.quantization.merged_model import (
    FLOAT_LEVELS,
    TINY,
    merge,
)
from ptq_comparison.quantization.stored_tensors import (
    HALF_STEP,
    MERGED_ACTIVATIONS,
    ROUNDING,
    Stored,
    dequantize,
    merged_activations,
    only_before,
    stored_tensors,
)

RANGE_STEPS = 1.0  # a zero point is rounded, and Softmax has a grid of 256 levels from 0 to 1
# Operators whose result is stored on the grid of their input.
PASSING = (
    "AveragePool", "CumSum", "Flatten", "Gather", "GatherElements", "Identity", "MaxPool", "Pad",
    "Reshape", "Resize", "Slice", "Split", "Squeeze", "TopK", "Transpose", "Unsqueeze", "Where",
)  # fmt: skip
EXCLUDE = "name the node in quantization.nodes_to_exclude, or change quantization.format"


class NodeError(TypedDict):
    """The largest error of a tensor that a node gives or holds, in steps, and what is allowed."""

    node: str
    op_type: str
    tensor: str
    kind: str  # constant, range or result
    error_steps: float
    allowed_steps: float


class OperatorCheck(TypedDict):
    """The content of `<model>.json` beside a quantized model."""

    images: int
    worst: NodeError
    kept_in_float: dict[str, str]
    nodes: list[NodeError]


def check_operators(
    float_model: onnx.ModelProto,
    quantized: onnx.ModelProto,
    ranges: Mapping[str, tuple[float, float]],
    batches: Iterable[Batch],
    kept: dict[str, str],
) -> OperatorCheck:
    """Compare both models operator by operator on some images.

    `ranges` are those that the quantized model was made from, `kept` the nodes that stay in float32
    and why. Raises UserError for the first node, in graph order, whose error is more than rounding
    explains.
    """
    few = list(batches)
    errors = [
        *constant_errors(float_model, quantized),
        *range_errors(float_model, quantized, ranges),
        *operator_errors(float_model, quantized, few),
    ]
    for error in errors:
        if is_broken(error):
            merged = {n.output[0]: n.input[0] for n in merged_activations(float_model, quantized)}
            before = merged.get(error["tensor"], "")
            host = next((n for n in float_model.graph.node if before and before in n.output), None)
            raise UserError(f"quantization: {_complain(error, host)}; {EXCLUDE}")
    worst = max(errors, key=lambda error: error["error_steps"] / error["allowed_steps"])
    return {
        "images": sum(batch.images for batch in few),
        "worst": _rounded(worst),
        "kept_in_float": kept,
        "nodes": [_rounded(error) for error in errors],
    }


def _rounded(error: NodeError) -> NodeError:
    steps, allowed = round(error["error_steps"], 4), round(error["allowed_steps"], 4)
    return {**error, "error_steps": steps, "allowed_steps": allowed}


def is_broken(error: NodeError) -> bool:
    """Tell whether an error is more than rounding explains; NaN is."""
    return not error["error_steps"] <= error["allowed_steps"]


def _complain(error: NodeError, host: onnx.NodeProto | None) -> str:
    """Return what is wrong; `host` is the node that the node of the error is merged into."""
    node = f"{error['op_type']} {error['node']!r}"
    tensor, steps = error["tensor"], error["error_steps"]
    if error["kind"] == "constant":
        return (
            f"{node} has its constant {tensor!r} stored up to {steps:.3g} steps off float32, where "
            "rounding explains half a step"
        )
    if error["kind"] == "range":
        return (
            f"the grid for the result of {node} ends {steps:.3g} steps before the range of "
            f"{tensor!r} on the calibration images"
        )
    if host is not None:
        node = f"{describe(host)} with {node}, which is merged into it,"
    return (
        f"{node} gives {tensor!r} up to {steps:.3g} steps off float32 for the same inputs, where "
        f"rounding explains {error['allowed_steps']:.2g}"
    )


def constant_errors(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto
) -> Iterator[NodeError]:
    """Yield the errors of stored weights, biases and other constants, in graph order."""
    floats, stored = constants(float_model), stored_tensors(float_model, quantized)
    arrays = constants(quantized)
    for node in float_model.graph.node:
        for name in filter(floats.__contains__, node.input):
            grid, values = stored.get(name), floats[name].astype(np.float64)
            if floats[name].dtype != np.float32 or grid is None or not values.size:
                continue
            if grid.levels in arrays:
                found, step = dequantize(arrays[grid.levels], grid), _along(grid, values.ndim)
            elif grid.tensor in arrays:
                found, step = arrays[grid.tensor], np.array(_float_step(values))
            else:
                continue  # computed in the model, and checked there
            if found.shape != values.shape:
                yield _error(node, name, "constant", np.inf, HALF_STEP)
                continue
            with np.errstate(invalid="ignore"):  # bounds and masks may be infinite
                # A value of float32 has a rounding of its own, which is many steps of a large bias.
                off = np.abs(found - values) - ROUNDING * np.abs(values)
            steps = np.where(found == values, 0.0, np.maximum(off, 0.0)) / step
            yield _error(node, name, "constant", float(steps.max()), HALF_STEP)


def range_errors(
    float_model: onnx.ModelProto,
    quantized: onnx.ModelProto,
    ranges: Mapping[str, tuple[float, float]],
) -> Iterator[NodeError]:
    """Yield by how many steps the grid of each result ends before its range, in graph order.

    Left out are results that share the grid of an input, and those before an activation, which cuts
    them.
    """
    stored = stored_tensors(float_model, quantized)
    activations = {n.output[0] for n in float_model.graph.node if n.op_type in MERGED_ACTIVATIONS}
    skipped = only_before(float_model, activations)
    for node in float_model.graph.node:
        for name in node.output:
            grid = stored.get(name)
            if node.op_type in PASSING or name in skipped or name not in ranges or grid is None:
                continue
            if grid.scale is not None and grid.scale.size == 1:
                (low, high), (least, most) = grid.ends, ranges[name]
                missing = max(low - min(least, 0.0), max(most, 0.0) - high, 0.0)
                step = float(grid.scale.item())
                allowed = RANGE_STEPS + (high - low) / step * ROUNDING
                yield _error(node, name, "range", missing / step, allowed)


def operator_errors(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto, batches: Iterable[Batch]
) -> list[NodeError]:
    """Return the error of each operator on images, in graph order.

    An operator that stays in float32 has to give the same values: its steps are parts of the
    largest of them, which are as small as float32's rounding is in 256 levels.
    """
    model, checks = merge(float_model, quantized)
    worst = np.zeros(len(checks))
    names = [check.output for check in checks]
    try:
        # The optimizer would put integer operators in place of those to be checked.
        session = make_session(model, threads=1, optimize=False)
        for batch in batches:
            errors = np.array(session.run(names, batch.inputs)).ravel()
            worst = np.maximum(worst, np.where(np.isnan(errors), np.inf, errors))
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        raise UserError(
            f"quantization: onnxruntime cannot run the quantized model beside the float32 one "
            f"({first_line(error)}); {EXCLUDE}"
        ) from error
    return [
        _error(check.producer, check.tensor, "result", float(error), check.allowed)
        for check, error in zip(checks, worst, strict=True)
    ]


def _error(
    node: onnx.NodeProto | None, tensor: str, kind: str, steps: float, allowed: float
) -> NodeError:
    return {
        "node": (node.name or node.output[0]) if node else "input",
        "op_type": node.op_type if node else "input",
        "tensor": tensor,
        "kind": kind,
        "error_steps": steps,
        "allowed_steps": allowed,
    }


def _along(grid: Stored, ndim: int) -> np.ndarray:
    """Return the steps of a grid in a shape that broadcasts to its values."""
    assert grid.scale is not None
    shape = [1] * ndim
    if grid.scale.size > 1:
        shape[grid.axis] = -1
    return np.maximum(grid.scale.reshape(shape).astype(np.float64), TINY)


def _float_step(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return max(float(finite.max(initial=0.0)) * ROUNDING * FLOAT_LEVELS, TINY)
