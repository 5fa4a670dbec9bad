"""One graph that runs a quantized model and the operators of the float32 one on the same values.

Each float32 operator reads what the quantized one reads, dequantized, constants among them. Values
beyond a grid are cut off by design. The graph gives the largest difference of each tensor in steps
of its grid: memory does not grow with the number of tensors.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization.quant_utils import QUANT_INPUT_SUFFIX

from ptq_comparison.model.graph import all_nodes, copy_model, inner_graphs
from ptq_comparison.model.layers import UNBOUNDED, constants
from ptq_comparison.quantization.excluded_nodes import KEPT_SUFFIX
from ptq_comparison.quantization.float_operators import with_float_operators
from ptq_comparison.quantization.stored_tensors import (
    HALF_STEP,
    ROUNDING,
    Stored,
    dequantize,
    merged_activations,
    only_before,
    stored_tensors,
)

# No model has such names.
FLOAT_PREFIX, CHECK_PREFIX = "<float32>/", "<check>/"
INTEGER_OPERATOR = 1.0  # an operator on integers may round its result once more, see HALF_STEP
# Values that stay in float32 count in parts of the largest, as if they had so many levels.
FLOAT_LEVELS = 256
TINY = float(np.finfo(np.float32).tiny)


class Checked(NamedTuple):
    """A tensor that the graph checks, the float32 node that gives it, and the steps allowed."""

    tensor: str
    producer: onnx.NodeProto | None
    allowed: float

    @property
    def output(self) -> str:
        """The name of the output with the error."""
        return CHECK_PREFIX + self.tensor


class _Graph:
    """A graph to which nodes and constants are added."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = copy_model(model)
        self.proto = self.model.graph
        del self.proto.output[:]
        # onnxruntime finds the types again.
        del self.proto.value_info[:]

    def node(
        self, op_type: str, inputs: list[str], output: str, keepdims: int | None = None
    ) -> str:
        attributes: dict[str, Any] = {} if keepdims is None else {"keepdims": keepdims}
        # onnxruntime names the node that it cannot run.
        node = helper.make_node(op_type, inputs, [output], name=output, **attributes)
        self.proto.node.append(node)
        return output

    def constant(self, name: str, values: np.ndarray | float) -> str:
        array = values if isinstance(values, np.ndarray) else np.array(values, np.float32)
        self.proto.initializer.append(numpy_helper.from_array(array, name))
        return name


def merge(
    float_model: onnx.ModelProto, quantized: onnx.ModelProto
) -> tuple[onnx.ModelProto, list[Checked]]:
    """Return a model that runs both and gives errors in steps, and which ones these are."""
    graph = _Graph(with_float_operators(quantized))
    reads = _float_inputs(quantized)
    skipped = only_before(
        float_model, {n.output[0] for n in merged_activations(float_model, quantized)}
    )
    # QLinear operators bear the name from before a merged activation, which they do not hold.
    stored = {
        name: held
        for name, held in stored_tensors(float_model, quantized).items()
        if name not in skipped
    }
    source = _sources(graph, stored, constants(float_model), constants(quantized))
    rounding = {n.output[0] for n in graph.proto.node if n.op_type == "QuantizeLinear"}
    types = float_tensors(float_model)
    checks: list[Checked] = []
    lowest, highest = (
        graph.constant(f"<bound>/{end}", sign * UNBOUNDED)
        for end, sign in (("lowest", -1), ("highest", 1))
    )

    def finite(tensor: str, prefix: str) -> str:
        """Bounds and masks may be infinite, and equal."""
        raised = graph.node("Max", [tensor, lowest], f"{prefix}/above")
        return graph.node("Min", [raised, highest], f"{prefix}/finite")

    def check(name: str, own: str, node: onnx.NodeProto | None) -> None:
        held = stored.get(name)
        if held is None or name not in types:
            return
        prefix, found = CHECK_PREFIX + name, source(name)
        if held.scale is None:
            step, allowed = _float_step(graph, finite(own, prefix), prefix), HALF_STEP
        elif held.scale.size == 1:
            low, high = held.ends
            raised = graph.node(
                "Max", [own, graph.constant(f"{prefix}/low", low)], f"{prefix}/raised"
            )
            own = graph.node(
                "Min", [raised, graph.constant(f"{prefix}/high", high)], f"{prefix}/cut"
            )
            scale = float(held.scale.item())
            step = graph.constant(f"{prefix}/step", scale)
            explained = HALF_STEP if held.levels in rounding else INTEGER_OPERATOR
            allowed = explained + (high - low) / scale * ROUNDING
        else:
            return
        own, found = finite(own, f"{prefix}/own"), finite(source(name), f"{prefix}/found")
        difference = graph.node("Sub", [own, found], f"{prefix}/difference")
        size = graph.node("Abs", [difference], f"{prefix}/size")
        largest = graph.node("ReduceMax", [size], f"{prefix}/error", keepdims=0)
        checks.append(Checked(name, node, allowed))
        graph.node("Div", [largest, step], checks[-1].output)
        graph.proto.output.append(onnx.ValueInfoProto(name=checks[-1].output))

    for value in float_model.graph.input:
        check(value.name, value.name, None)
    for node in float_model.graph.node:
        copy = graph.proto.node.add()
        copy.CopyFrom(node)
        copy.name = FLOAT_PREFIX + (node.name or node.output[0])
        read = reads(node)
        copy.input[:] = [name if name in read else source(name) for name in node.input]
        copy.output[:] = [FLOAT_PREFIX + name if name else "" for name in node.output]
        _rename_inside(copy, source)
        for name in node.output:
            check(name, FLOAT_PREFIX + name, node)
    return graph.model, checks


def _float_inputs(quantized: onnx.ModelProto) -> Callable[[onnx.NodeProto], set[str]]:
    """Return a function from a float32 node to what it reads where it is in the quantized model.

    It may read a tensor from before it is quantized for another node.
    """
    nodes = {output: node for node in quantized.graph.node for output in node.output}

    def reads(node: onnx.NodeProto) -> set[str]:
        for suffix in ("", QUANT_INPUT_SUFFIX, KEPT_SUFFIX):
            found = nodes.get(node.output[0] + suffix)
            if found is not None and found.op_type == node.op_type:
                return set(found.input)
        return set()

    return reads


def _sources(
    graph: _Graph,
    stored: dict[str, Stored],
    floats: dict[str, np.ndarray],
    arrays: dict[str, np.ndarray],
) -> Callable[[str], str]:
    """Return a function that names what a float32 operator reads in place of its own tensor."""
    found = {"": ""}

    def source(name: str) -> str:
        if name not in found:
            held, own = stored.get(name), FLOAT_PREFIX + name
            if held is None:
                found[name] = graph.constant(own, floats[name]) if name in floats else own
            elif held.levels in arrays:
                found[name] = graph.constant(own, dequantize(arrays[held.levels], held))
            elif held.tensor is None:
                assert held.levels is not None and held.scale is not None
                assert held.zero_point is not None
                scale = graph.constant(f"{own}/scale", held.scale)
                zero = graph.constant(f"{own}/zero_point", held.zero_point)
                inputs = [held.levels, scale, zero]
                found[name] = graph.node("DequantizeLinear", inputs, f"{own}/stored")
            else:
                found[name] = held.tensor
        return found[name]

    return source


def _float_step(graph: _Graph, own: str, prefix: str) -> str:
    size = graph.node("Abs", [own], f"{prefix}/absolute")
    largest = graph.node("ReduceMax", [size], f"{prefix}/largest", keepdims=0)
    least = graph.node("Max", [largest, graph.constant(f"{prefix}/tiny", TINY)], f"{prefix}/least")
    part = graph.constant(f"{prefix}/part", ROUNDING * FLOAT_LEVELS)
    return graph.node("Mul", [least, part], f"{prefix}/step")


def _rename_inside(node: onnx.NodeProto, source: Callable[[str], str]) -> None:
    """Let the graphs inside a copied node read what it reads, and give their tensors own names."""
    inner = [part for graph in inner_graphs(node) for part in (graph, *_deeper(graph))]
    own = {name for graph in inner for n in graph.node for name in n.output}
    own |= {value.name for graph in inner for value in (*graph.input, *graph.initializer)}
    for graph in inner:
        for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
            value.name = FLOAT_PREFIX + value.name if value.name in own else source(value.name)
        for n in graph.node:
            n.input[:] = [FLOAT_PREFIX + name if name in own else source(name) for name in n.input]
            n.output[:] = [FLOAT_PREFIX + name if name else "" for name in n.output]


def _deeper(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    for node in all_nodes(graph):
        yield from inner_graphs(node)


def float_tensors(model: onnx.ModelProto) -> set[str]:
    """Return the names of float32 tensors, without constants."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {
        value.name
        for value in (*graph.input, *graph.output, *graph.value_info)
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    }
