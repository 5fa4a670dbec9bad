"""What a step of mixed precision can leave in float32: a node, or all nodes of a kind."""

from collections.abc import Sequence
from typing import NamedTuple

import onnx

from ptq_comparison.quantization.float_nodes import KINDS, nodes_of_kinds


class Move(NamedTuple):
    """The nodes that a step leaves in float32, and what they are called together."""

    name: str
    nodes: tuple[str, ...]


def possible_moves(model: onnx.ModelProto, candidates: Sequence[str]) -> list[Move]:
    """Return the kinds of nodes first, then single nodes; `candidates` are those to choose from.

    A kind of one node is that node.
    """
    kinds = {
        kind: tuple(node for node in nodes_of_kinds(model, [kind]) if node in candidates)
        for kind in KINDS
    }
    moves = [Move(kind, nodes) for kind, nodes in kinds.items() if len(nodes) > 1]
    names = {nodes: kind for kind, nodes in kinds.items() if len(nodes) == 1}
    return [*moves, *(Move(names.get((node,), node), (node,)) for node in candidates)]
