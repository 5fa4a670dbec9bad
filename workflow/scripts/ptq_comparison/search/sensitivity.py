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
from ptq_comparison.search.results import SensitivityRow
from ptq_comparison.search.trial import Trial


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
    return _measure(trial, trial.quantize([]), "", "", "all")


def measure_node(
    trial: Trial, node: onnx.NodeProto, candidates: Sequence[str]
) -> list[SensitivityRow]:
    """Return the rows of a node: `only` it quantized, and `all_but` it.

    There are none for a node that onnxruntime leaves in float32 by itself, such as a ReLU or a
    Reshape: it follows the node before it, and does not round. `candidates` are the names of all
    nodes that may be quantized.
    """
    only = trial.quantize([name for name in candidates if name != node.name])
    if not is_quantized(only):
        return []
    return [
        _measure(trial, model, node.name, node.op_type, mode)
        for mode, model in (("only", only), ("all_but", trial.quantize([node.name])))
    ]


def _measure(
    trial: Trial, model: onnx.ModelProto, node: str, op_type: str, mode: str
) -> SensitivityRow:
    scores = trial.predict(model)
    measured = fidelity(trial.scores, scores)
    low, high = measured["agreement_ci95"]
    return {
        "node": node,
        "op_type": op_type,
        "mode": mode,
        "images": len(scores),
        "agreement": measured["agreement"],
        "agreement_ci95_low": low,
        "agreement_ci95_high": high,
        "kl_divergence": measured["kl_divergence"],
        "sqnr_db": measured["sqnr_db"],
    }


def rank(rows: Sequence[SensitivityRow]) -> list[str]:
    """Return the names of nodes, the one first that costs most when it alone is quantized.

    The measure is the KL divergence of the mode `only`. Agreement would leave ties, since a node
    changes few predictions, often none. Equal nodes stay in the order of `rows`.
    """
    alone = [row for row in rows if row["mode"] == "only"]
    return [row["node"] for row in sorted(alone, key=lambda row: -row["kl_divergence"])]


def order(rows: Sequence[SensitivityRow]) -> list[SensitivityRow]:
    """Return the rows with their `rank`: first `all`, which has rank 0, then the worst node."""
    ranks = {node: place for place, node in enumerate(["", *rank(rows)])}
    ranked: list[SensitivityRow] = [{"rank": ranks[row["node"]], **row} for row in rows]
    return sorted(ranked, key=lambda row: row["rank"])
