"""How many bytes the activations of one image take, from the shapes of a graph."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import onnx
from onnx import helper

from ptq_comparison.model.graph import inner_graphs, read_inside, real_inputs
from ptq_comparison.model.interface_type import Interface

SMALL = 1024  # elements of a constant that may say a shape; others are not copied
# A tensor of unknown shape counts as the largest known one, or so many times the image. The first
# convolution of VGG gives 64 channels of the size of an image of three.
UNKNOWN = 24


class Activations(NamedTuple):
    """Bytes for one image: of all tensors, of those that live at the same time, of the largest."""

    total: int
    alive: int
    largest: int


def activations(
    model: onnx.ModelProto, interface: Interface, image: tuple[int, int, int]
) -> Activations:
    """Return the bytes of the tensors that the nodes of a model give for an image (H, W, C).

    Every node has its own output, as in a session that is not optimized. Tensors of which onnx
    cannot infer the shape count as large ones. Of a model with a fixed batch, they are a share.
    """
    sizes, graph = _sizes(model, interface, image), model.graph
    given, nodes = sizes[interface.input], list(_changing_nodes(graph))
    known = [sizes[name] for node in nodes for name in node.output if name in sizes]
    unknown = max([UNKNOWN * given, *known])
    made = [{name: sizes.get(name, unknown) for name in node.output if name} for node in nodes]
    last = {name: place for place, node in enumerate(nodes) for name in node.input}
    last |= dict.fromkeys([*read_inside(graph), *(o.name for o in graph.output)], len(made))
    alive, most = {interface.input: given}, 0
    for place, outputs in enumerate(made):
        alive |= outputs
        most = max(most, sum(alive.values()))
        alive = {name: size for name, size in alive.items() if last.get(name, -1) > place}
    every = [size for outputs in made for size in outputs.values()]
    images = interface.batch or 1
    return Activations(*(-(-size // images) for size in (sum(every), most, max([given, *every]))))


def _changing_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes that do not read constants alone, as those that dequantize weights do."""
    constant = {tensor.name for tensor in graph.initializer} | {""}
    for node in graph.node:
        if constant.issuperset(node.input) and not any(inner_graphs(node)):
            constant.update(node.output)
        else:
            yield node


def _sizes(
    model: onnx.ModelProto, interface: Interface, image: tuple[int, int, int]
) -> dict[str, int]:
    """Return the bytes of tensors whose shape can be inferred for a batch of one image."""
    light = _without_weights(model)
    height, width, channels = image
    axes = image if interface.layout == "NHWC" else (channels, height, width)
    given = next(value for value in light.graph.input if value.name == interface.input)
    shape = given.type.tensor_type.shape
    del shape.dim[:]
    shape.dim.extend(
        onnx.TensorShapeProto.Dimension(dim_value=size) for size in (interface.batch or 1, *axes)
    )
    try:
        graph = onnx.shape_inference.infer_shapes(light, data_prop=True).graph
    except onnx.shape_inference.InferenceError:  # what can be inferred is inferred nevertheless
        graph = light.graph
    values = (*graph.input, *graph.value_info, *graph.output)
    known = {value.name: _bytes(value) for value in values}
    return {name: size for name, size in known.items() if size is not None}


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which large constants are inputs, and no sizes are declared.

    Copies of a large model would take the memory that this is about.
    """
    light = onnx.ModelProto(ir_version=model.ir_version)
    light.opset_import.extend(model.opset_import)
    light.functions.extend(model.functions)
    graph = light.graph
    graph.name = model.graph.name
    graph.node.extend(model.graph.node)
    graph.input.extend(real_inputs(model))
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= SMALL:
            graph.initializer.append(tensor)
        else:
            graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            )
    # Their declared shapes may hold another batch size.
    for value in model.graph.output:
        element = value.type.tensor_type.elem_type
        graph.output.append(helper.make_tensor_value_info(value.name, element, None))
    return light


def _bytes(value: onnx.ValueInfoProto) -> int | None:
    kind = value.type.tensor_type
    if not kind.HasField("shape") or kind.elem_type == onnx.TensorProto.STRING:
        return None
    dimensions = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
    if None in dimensions or kind.elem_type not in helper.get_all_tensor_dtypes():
        return None
    item = helper.tensor_dtype_to_np_dtype(kind.elem_type).itemsize
    return int(math.prod(size for size in dimensions if size is not None) * item)
