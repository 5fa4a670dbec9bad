"""Names that do not clash with those that onnxruntime's quantizer and calibrator make up.

They append to names of the model, and take a tensor or node of such a name for their own.
"""

import re

import onnx
from onnx import helper

from ptq_comparison.model.graph import (
    all_names,
    all_nodes,
    free_name,
    inner_graphs,
    insert_at,
)

# What they append, once or several times.
MADE_UP = re.compile(
    r"((_?quantized|_scale|_zero_point|_quant|_convert\w*|_QuantizeLinear(_Input|_Output)?"
    r"|_DequantizeLinear(_Output)?|_Reduce(Min|Max)(_Reshape)?|_kept_in_float|_keep_in_float)"
    r"(_\d+)?)+$"
)
RENAMED = "_renamed"


def own_names(model: onnx.ModelProto) -> str:
    """Rename tensors and nodes whose names the quantizer would make up, in place; say so in words.

    The input and the output of the model keep their names: there, the name that the other one is
    made from is changed.
    """
    taken, graph = all_names(model), model.graph
    fixed = {value.name for value in (*graph.input, *graph.output)}
    names: dict[str, str] = {}
    for name in sorted(taken):
        found = MADE_UP.search(name)
        stem = name[: found.start()] if found else ""
        if stem not in taken:
            continue
        changed = stem if name in fixed else name
        if changed in fixed:
            _free_interface(model, changed, taken)
        names.setdefault(changed, free_name(changed + RENAMED, taken))
    rename(graph, {old: new for old, new in names.items() if old not in fixed})
    listed = ", ".join(f"{old} is {new}" for old, new in names.items())
    return f"names that the quantizer makes up are changed ({listed})" if names else ""


def rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Rename tensors and nodes of a graph and of the graphs inside its nodes, in place."""
    if not names:
        return
    graphs = [graph, *(inner for node in all_nodes(graph) for inner in inner_graphs(node))]
    for part in graphs:
        for value in (*part.input, *part.output, *part.initializer, *part.value_info):
            value.name = names.get(value.name, value.name)
        for node in part.node:
            node.name = names.get(node.name, node.name)
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]


def _free_interface(model: onnx.ModelProto, name: str, taken: set[str]) -> None:
    """Put an Identity between the input or output of that name and the other nodes."""
    graph = model.graph
    inner = free_name(name + RENAMED, taken)
    is_input = name in {value.name for value in graph.input}
    given, made = ([name], [inner]) if is_input else ([inner], [name])
    identity = helper.make_node("Identity", given, made, name=free_name(f"{inner}_identity", taken))
    for node in all_nodes(graph):
        node.input[:] = [inner if n == name else n for n in node.input]
        if not is_input:
            node.output[:] = [inner if n == name else n for n in node.output]
    if is_input:
        insert_at(graph, graph.node[0], [identity])
    else:
        graph.node.append(identity)
