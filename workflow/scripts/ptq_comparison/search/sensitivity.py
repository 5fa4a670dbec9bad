"""Which nodes quantization hurts: one of them quantized at a time, and all but one.

From ranges that are there already a model is quantized in milliseconds, so that trying every node
costs little more than running its models.
"""

from collections.abc import Sequence
from typing import Any

import onnx
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from ptq_comparison.evaluation.fidelity import agreement, kl_divergence, sqnr_db
from ptq_comparison.evaluation.metrics import wilson_interval
from ptq_comparison.quantization.checks import is_quantized
from ptq_comparison.search.trial import Trial

Row = dict[str, Any]


def candidate_nodes(model: onnx.ModelProto, options: dict[str, Any]) -> list[str]:
    """Return the names of nodes that a recipe may quantize, in the order of the graph.

    `options` are those of `quantize`. Whether onnxruntime does quantize a node shows when it is
    tried: that depends on its tensors, on the format, and on the node before it.
    """
    types = options["op_types_to_quantize"] or {*QLinearOpsRegistry, *QDQRegistry}
    excluded = options["nodes_to_exclude"]
    return [n.name for n in model.graph.node if n.op_type in types and n.name not in excluded]


def measure_all(trial: Trial) -> Row:
    """Return the row of the mode `all`: every node is quantized, as the recipe has it."""
    return {"node": "", "op_type": "", "mode": "all", **_measure(trial, trial.quantize([]))}


def measure_node(trial: Trial, node: onnx.NodeProto, candidates: Sequence[str]) -> list[Row]:
    """Return the rows of a node: `only` it quantized, and `all_but` it.

    There are none for a node that onnxruntime leaves in float32 by itself, such as a ReLU or a
    Reshape: it follows the node before it, and rounds nothing of its own. `candidates` are all
    nodes that may be quantized. `agreement` is a fraction with its 95 % Wilson interval,
    `kl_divergence` in nats, `sqnr_db` None for an output that equals that of float32.
    """
    only = trial.quantize([name for name in candidates if name != node.name])
    if not is_quantized(only):
        return []
    return [
        {
            "node": node.name,
            "op_type": node.op_type,
            "mode": mode,
            **_measure(trial, model),
        }
        for mode, model in (("only", only), ("all_but", trial.quantize([node.name])))
    ]


def _measure(trial: Trial, model: onnx.ModelProto) -> Row:
    scores = trial.predict(model)
    equal, images = agreement(scores.argmax(axis=1), trial.scores.argmax(axis=1)), len(scores)
    low, high = wilson_interval(round(equal * images), images)
    return {
        "images": images,
        "agreement": equal,
        "agreement_ci95_low": low,
        "agreement_ci95_high": high,
        "kl_divergence": kl_divergence(trial.scores, scores),
        "sqnr_db": sqnr_db(trial.scores, scores),
    }


def rank(rows: Sequence[Row]) -> list[str]:
    """Return the names of nodes, the one first that costs most when it alone is quantized.

    By KL divergence: a node changes few predictions, often none, so that agreement leaves
    ties that divergence, which sees every score, does not. With one node alone the noise of the
    others is not in the way. Equal nodes stay in the order of `rows`.
    """
    alone = [row for row in rows if row["mode"] == "only"]
    return [row["node"] for row in sorted(alone, key=lambda row: -row["kl_divergence"])]


def order(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their `rank`: first `all`, which has rank 0, then the worst node."""
    ranks = {node: place for place, node in enumerate(["", *rank(rows)])}
    ranked = [{"rank": ranks[row["node"]], **row} for row in rows]
    return sorted(ranked, key=lambda row: row["rank"])
