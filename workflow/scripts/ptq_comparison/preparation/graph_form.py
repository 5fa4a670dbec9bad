"""Small changes of a graph that keep what it computes: inputs, bounds, readers."""

import math

import onnx
from onnx import helper

from ptq_comparison.model.graph import (
    all_names,
    all_nodes,
    free_name,
    insert_at,
    read_inside,
)
from ptq_comparison.model.layers import scalar_constants


def drop_empty_ends(model: onnx.ModelProto) -> str:
    """Drop optional inputs and outputs at the end that are empty, in place; say so in words.

    onnxruntime counts them and looks for a constant of no name.
    """
    dropped = 0
    for node in all_nodes(model.graph):
        for names in (node.input, node.output):
            while names and not names[-1]:
                del names[-1]
                dropped += 1
    return f"empty inputs or outputs at the end of nodes are dropped ({dropped})" if dropped else ""


def drop_infinite_bounds(model: onnx.ModelProto) -> str:
    """Drop the bounds of Clip that are infinite and thus cut nothing, in place; say so in words."""
    infinite = {n: v > 0 for n, v in scalar_constants(model).items() if abs(v) == math.inf}
    dropped = 0
    for node in model.graph.node:
        if node.op_type == "Clip":
            for place, is_upper in ((1, False), (2, True)):
                if len(node.input) > place and infinite.get(node.input[place]) is is_upper:
                    node.input[place] = ""
                    dropped += 1
            while not node.input[-1]:
                del node.input[-1]
    return f"infinite bounds of Clip are dropped ({dropped})" if dropped else ""


def show_readers(model: onnx.ModelProto) -> str:
    """Let a node of its own read what a graph inside a node or the model's output reads, in place.

    onnxruntime counts only the nodes of the main graph as readers when it merges an activation into
    the node before, or quantizes a tensor: the others would read a tensor that is gone, or from
    before the activation. Says in words what was changed.
    """
    graph = model.graph
    made = {name for node in graph.node for name in node.output if name}
    read = {name for node in graph.node for name in node.input}
    outputs = {value.name for value in graph.output}
    inner, taken = read_inside(graph).intersection(made), all_names(model)
    producers = {name: node for node in graph.node for name in node.output}
    shown = [
        name
        for name in sorted(inner | (outputs & read))
        if producers[name].op_type != "Identity" or name in read
    ]
    for name in shown:
        producer = producers[name]
        hidden = free_name(f"{name}_inner", taken)
        for node in graph.node:
            node.input[:] = [hidden if given == name else given for given in node.input]
        producer.output[:] = [hidden if given == name else given for given in producer.output]
        identity = helper.make_node(
            "Identity", [hidden], [name], name=free_name(f"{name}_read", taken)
        )
        insert_at(graph, producer, [identity], after=True)
    return f"tensors that other graphs read pass an Identity ({len(shown)})" if shown else ""
