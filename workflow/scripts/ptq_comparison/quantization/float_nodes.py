"""Nodes that a recipe leaves in float32 by what they are, instead of by name.

The first layer sees raw pixels, and few channels, for which integer kernels are slow. Scores of the
classifier tie in 8 bits. A QDQ pair stores the output of an average pool in the grid of its input,
which is too coarse for means. Gates multiply a tensor by a number between 0 and 1, which 8 bits
round coarsely where it is small.
"""

from collections.abc import Collection, Iterable
from typing import Any

import onnx

from ptq_comparison.model.graph import name_nodes
from ptq_comparison.model.layers import WEIGHTED, constants

KINDS = ("first_conv", "classifier", "pools", "gates")
POOLS = ("AveragePool", "GlobalAveragePool", "ReduceMean")
# What takes one value to another, so that a gate made of several nodes is still one.
SIGMOIDS = ("Sigmoid", "HardSigmoid", "HardSwish")
ELEMENTWISE = (*SIGMOIDS, "Add", "Clip", "Div", "Mul", "Sub")


def with_float_nodes(model: onnx.ModelProto, recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a complete recipe whose `float_nodes` stand by name among its `nodes_to_exclude`."""
    found = nodes_of_kinds(model, recipe["float_nodes"])
    named = recipe["nodes_to_exclude"]
    excluded = [*named, *(name for name in found if name not in named)]
    return {**recipe, "nodes_to_exclude": excluded}


def nodes_of_kinds(model: onnx.ModelProto, kinds: Collection[str]) -> list[str]:
    """Return the names of the nodes of these `KINDS`, in the order of the graph.

    `first_conv`: the layers with weights that no other one comes before, and all that leads to
    them. `classifier`: those that no other one follows, and all behind them. `pools`: averages.
    `gates`: products of two activations, one of which a sigmoid or a node like it has made, and
    the nodes that make it. A model has not every kind.
    """
    # Unnamed nodes get the names that they are excluded by.
    nodes = list(name_nodes(model).graph.node)
    known = {*constants(model), *(n.output[0] for n in nodes if n.op_type == "Constant")}
    found: set[int] = set()
    if "first_conv" in kinds:
        found |= _outermost(nodes, known, [node.input for node in nodes], _makers(nodes))
    if "classifier" in kinds:
        found |= _outermost(nodes, known, [node.output for node in nodes], _readers(nodes))
    if "pools" in kinds:
        found |= {number for number, node in enumerate(nodes) if node.op_type in POOLS}
    if "gates" in kinds:
        found |= _gates(nodes, known)
    return [node.name for number, node in enumerate(nodes) if number in found]


def _makers(nodes: list[onnx.NodeProto]) -> dict[str, list[int]]:
    return {name: [number] for number, node in enumerate(nodes) for name in node.output if name}


def _readers(nodes: list[onnx.NodeProto]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, node in enumerate(nodes):
        for name in node.input:
            found.setdefault(name, []).append(number)
    return found


def _outermost(
    nodes: list[onnx.NodeProto],
    known: Collection[str],
    tensors: list[Iterable[str]],
    next_nodes: dict[str, list[int]],
) -> set[int]:
    """Return the layers beyond which there is no other one, and all nodes beyond them.

    `tensors` are those that lead on from each node, `next_nodes` the nodes at their other end.
    """
    beyond: dict[int, set[int]] = {}

    def reach(number: int) -> set[int]:
        """Return all nodes beyond a node; without recursion, since graphs are deep."""
        left, seen = [number], set[int]()
        while left:
            for name in tensors[left.pop()]:
                new = set(next_nodes.get(name, ())) - seen
                seen |= new
                left += new
        return seen

    layers = [number for number, node in enumerate(nodes) if _is_layer(node, known)]
    for number in layers:
        beyond[number] = reach(number)
    last = [number for number in layers if not beyond[number].intersection(layers)]
    return {*last}.union(*(beyond[number] for number in last))


def _is_layer(node: onnx.NodeProto, known: Collection[str]) -> bool:
    return node.op_type in WEIGHTED and node.input[1] in known


def _gates(nodes: list[onnx.NodeProto], known: Collection[str]) -> set[int]:
    """Return products of two activations with a sigmoid or a cut in front, and what makes it."""
    makers, found = _makers(nodes), set[int]()
    for number, node in enumerate(nodes):
        if node.op_type in SIGMOIDS:
            found.add(number)
        if node.op_type != "Mul" or any(name in known for name in node.input):
            continue
        for name in node.input:
            chain = _elementwise_chain(nodes, known, makers.get(name, []), makers)
            if any(nodes[each].op_type in (*SIGMOIDS, "Clip") for each in chain):
                found |= {number, *chain}
    return found


def _elementwise_chain(
    nodes: list[onnx.NodeProto],
    known: Collection[str],
    start: list[int],
    makers: dict[str, list[int]],
) -> list[int]:
    """Return the nodes on the way back that change single values, by constants if by two."""
    chain: list[int] = []
    while start:
        (number,) = start
        node = nodes[number]
        given = [name for name in node.input if name and name not in known]
        if node.op_type not in ELEMENTWISE or len(given) != 1:
            break
        chain.append(number)
        start = makers.get(given[0], [])
    return chain
