"""Copies, parts and attributes of an ONNX graph."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import onnx
from onnx.utils import Extractor


def copy_model(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy, as onnxruntime may change what it is given."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def with_outputs(model: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """Return a copy of the model that also gives the float32 tensors `names`."""
    given = {value.name for value in (*model.graph.output, *model.graph.input)}
    copy = copy_model(model)
    copy.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in names
        if name not in given
    )
    return copy


def real_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs of the graph without initializers, which may be listed there, too."""
    initializers = {initializer.name for initializer in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in initializers]


def extract(
    model: onnx.ModelProto, names: Sequence[str], from_constants: bool = False
) -> onnx.ModelProto:
    """Return the part of the model that computes the float32 tensors `names`, its only outputs.

    `from_constants` makes it a model without inputs.
    """
    inputs = [] if from_constants else [value.name for value in real_inputs(model)]
    return Extractor(with_outputs(model, names)).extract_model(inputs, list(names))


def describe(node: onnx.NodeProto) -> str:
    """Return type and name of a node for a message; its first output where it has no name."""
    return f"{node.op_type} {node.name or node.output[0]!r}"


def inner_graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs inside a node: branches of an If, bodies of a Loop or Scan."""
    for found in node.attribute:
        if found.HasField("g"):
            yield found.g
        yield from found.graphs


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes of a graph, and those of the graphs inside them."""
    for node in graph.node:
        yield node
        for inner in inner_graphs(node):
            yield from all_nodes(inner)


def read_inside(graph: onnx.GraphProto) -> set[str]:
    """Return the names of all tensors that the graphs inside nodes read, their own among them."""
    graphs = [inner for node in all_nodes(graph) for inner in inner_graphs(node)]
    names = {output.name for inner in graphs for output in inner.output}
    return names.union(*(node.input for inner in graphs for node in inner.node))


def all_names(model: onnx.ModelProto) -> set[str]:
    """Return the names of all tensors and nodes, also of those in graphs inside nodes."""
    graph = model.graph
    graphs = [graph, *(inner for node in all_nodes(graph) for inner in inner_graphs(node))]
    names = {node.name for node in all_nodes(graph)}
    names.update(*((*node.input, *node.output) for node in all_nodes(graph)))
    for part in graphs:
        names.update(value.name for value in (*part.input, *part.output, *part.initializer))
    return names - {""}


def used_names(graph: onnx.GraphProto) -> set[str]:
    """Return the names of the tensors that a graph gives or its nodes take, also those inside."""
    names = {value.name for value in graph.output}
    for node in graph.node:
        names.update(node.input, *map(used_names, inner_graphs(node)))
    return names - {""}


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove nodes and constants whose values nothing takes, in place."""
    used = used_names(graph)
    while unused := [node for node in graph.node if not used.intersection(node.output)]:
        for node in unused:
            graph.node.remove(node)
        used = used_names(graph)
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def insert_at(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    added: Sequence[onnx.NodeProto],
    after: bool = False,
) -> None:
    """Insert nodes before a node of the graph, or `after` it."""
    place = next(i for i, known in enumerate(graph.node) if known is node or known == node) + after
    for number, new in enumerate(added):
        graph.node.insert(place + number, new)


def sort_nodes(graph: onnx.GraphProto) -> None:
    """Put each node behind those that give what it or a graph inside it reads, in place.

    Nodes that are in such an order already stay where they are.
    """
    left = []
    for node in graph.node:
        inside = set[str]().union(*map(used_names, inner_graphs(node)))
        left.append((node.SerializeToString(), inside.union(node.input), set(node.output)))
    waiting = {name for _, _, outputs in left for name in outputs} - {""}
    ordered = []
    while left:
        ready = next((found for found in left if not found[1] & waiting), left[0])
        left.remove(ready)
        ordered.append(onnx.NodeProto.FromString(ready[0]))
        waiting -= ready[2]
    del graph.node[:]
    graph.node.extend(ordered)


def free_name(stem: str, taken: set[str]) -> str:
    """Return `stem`, with a number if it is taken, and add it to `taken`."""
    name, number = stem, 0
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name)
    return name


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """Return the value of an attribute of a node, `default` where the node does not have it."""
    found = (a for a in node.attribute if a.name == name)
    return next((onnx.helper.get_attribute_value(a) for a in found), default)


def name_nodes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which nodes without a name have that of their first output.

    onnxruntime excludes nodes by name; exporters may leave names empty.
    """
    copy = copy_model(model)
    names = {node.name for node in copy.graph.node}
    for node in copy.graph.node:
        if not node.name:
            name = node.output[0]
            while name in names:  # the output of one node may be the name of another
                name += "_"
            node.name = name
            names.add(name)
    return copy
