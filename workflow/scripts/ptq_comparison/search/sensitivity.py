"""What quantizing single nodes costs: one node alone, and all nodes but one.

Existing ranges let onnxruntime quantize a model in milliseconds, so that trying every node costs
little more than running the models.
"""

from collections.abc import Sequence
from typing import Any

import onnx
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from ptq_comparison.evaluation.fidelity import fidelity
from ptq_comparison.quantization.checks import is_quantized
from ptq_comparison.search.results import SensitivityRow, is_made
from ptq_comparison.search.trial import Attempt, Trial


def candidate_nodes(model: onnx.ModelProto, options: dict[str, Any]) -> list[str]:
    """Return the names of nodes that a recipe may quantize, in the order of the graph.

    `options` are those of `quantize`. Whether onnxruntime quantizes a node depends on its tensors,
    on the format, and on the node before it; only a trial shows it.
    """
    types = options["op_types_to_quantize"] or {*QLinearOpsRegistry, *QDQRegistry}
    excluded = options["nodes_to_exclude"]
    return [n.name for n in model.graph.node if n.op_type in types and n.name not in excluded]


def measure_share(
    trial: Trial,
    model: onnx.ModelProto,
    candidates: Sequence[str],
    share: int,
    share_count: int,
    progress: Any,
) -> list[SensitivityRow]:
    """Return the rows of every `share_count`-th node of the model, beginning with number `share`.

    The first share, number 1, also has the row of the mode `all`. `progress` is a tqdm bar of
    nodes.
    """
    rows = [measure_all(trial)] if share == 1 else []
    nodes = [node for node in model.graph.node if node.name in candidates]
    for node in nodes[share - 1 :: share_count]:
        rows += measure_node(trial, node, candidates)
        progress.update()
    return rows


def measure_all(trial: Trial) -> SensitivityRow:
    """Return the row of the mode `all`: every node is quantized, as the recipe has it."""
    return _measure(trial, trial.attempt([]), "", "", "all")


def measure_node(
    trial: Trial, node: onnx.NodeProto, candidates: Sequence[str]
) -> list[SensitivityRow]:
    """Return the rows of a node: `only` it quantized, and `all_but` it.

    There are none for a node that onnxruntime leaves in float32 by itself, such as a ReLU or a
    Reshape: it follows the node before it, and does not round. `candidates` are the names of all
    nodes that may be quantized.
    """
    only = trial.attempt([name for name in candidates if name != node.name])
    if only.model and not is_quantized(only.model):
        return []
    return [
        _measure(trial, attempt, node.name, node.op_type, mode)
        for mode, attempt in (("only", only), ("all_but", trial.attempt([node.name])))
    ]


def _measure(trial: Trial, attempt: Attempt, node: str, op_type: str, mode: str) -> SensitivityRow:
    row: SensitivityRow = {
        "node": node,
        "op_type": op_type,
        "mode": mode,
        "images": None,
        "agreement": None,
        "agreement_ci95_low": None,
        "agreement_ci95_high": None,
        "kl_divergence": None,
        "sqnr_db": None,
        "reason": attempt.reason,
    }
    if attempt.scores is not None:
        measured = fidelity(trial.scores, attempt.scores)
        low, high = measured["agreement_ci95"]
        row["images"] = len(attempt.scores)
        row["agreement"] = measured["agreement"]
        row["agreement_ci95_low"], row["agreement_ci95_high"] = low, high
        row["kl_divergence"] = measured["kl_divergence"]
        row["sqnr_db"] = measured["sqnr_db"]
    return row


def rank(rows: Sequence[SensitivityRow]) -> list[str]:
    """Return the names of nodes, the one first that costs most when it alone is quantized.

    The measure is the KL divergence of the mode `only`. Agreement would leave ties, since a node
    changes few predictions, often none. Equal nodes stay in the order of `rows`.

    Before all others stand nodes that cannot be quantized, then those without which the recipe can
    be made, if it cannot be made with all nodes.
    """
    impossible = any(row["mode"] == "all" and not is_made(row) for row in rows)
    in_the_way = {
        row["node"] for row in rows if impossible and row["mode"] == "all_but" and is_made(row)
    }

    def place(row: SensitivityRow) -> tuple[int, float]:
        if row["kl_divergence"] is None:
            return 0, 0.0
        return (1 if row["node"] in in_the_way else 2), -row["kl_divergence"]

    alone = [row for row in rows if row["mode"] == "only"]
    return [row["node"] for row in sorted(alone, key=place)]


def order(rows: Sequence[SensitivityRow]) -> list[SensitivityRow]:
    """Return the rows with their `rank`: first `all`, which has rank 0, then the worst node."""
    ranks = {node: place for place, node in enumerate(["", *rank(rows)])}
    ranked: list[SensitivityRow] = [{"rank": ranks[row["node"]], **row} for row in rows]
    return sorted(ranked, key=lambda row: row["rank"])
