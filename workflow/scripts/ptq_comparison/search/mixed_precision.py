"""Keep the worst nodes in float32, one after the other, until the loss of accuracy is small."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.config.recipes import AUTO
from ptq_comparison.evaluation.evaluate import evaluate_recipe
from ptq_comparison.search.results import MixedPrecisionRow, is_made
from ptq_comparison.search.trial import Trial


def mix_precision(
    trial: Trial,
    ranking: Sequence[str],
    labels: np.ndarray,
    target_drop_pp: float,
    write: Callable[[Sequence[str]], None] = lambda in_float: None,
) -> Iterator[MixedPrecisionRow]:
    """Yield each step of the curve: one node more of `ranking` stays in float32.

    The first step is the recipe itself. The last one loses at most `target_drop_pp` of accuracy, in
    percentage points, on the images of the trial with these `labels`, int64 (N,); it may be the one
    with all nodes in float32. Since it is the first one to pass, its accuracy is optimistic, and
    other images have to confirm it.

    A step that cannot be made has a reason and no figures. `write` is called with the nodes of each
    step that quantizes any, and raises an exception where its model does not pass all checks: what
    it has written last is the step of `last_quantized`.
    """
    for kept in range(len(ranking) + 1):
        attempt = trial.attempt(ranking[:kept], write if kept < len(ranking) else None)
        row: MixedPrecisionRow = {
            "nodes_in_float": kept,
            "nodes_quantized": len(ranking) - kept,
            "node": ranking[kept - 1] if kept else "",
            "correct": None,
            "total": None,
            "top1": None,
            "delta_pp": None,
            "delta_ci95_low_pp": None,
            "delta_ci95_high_pp": None,
            "agreement": None,
            "kl_divergence": None,
            "bytes": None,
            "reason": attempt.reason,
        }
        if attempt.model is None or attempt.scores is None:
            yield row
            continue
        measured = evaluate_recipe(attempt.scores, trial.scores, labels)
        row["correct"], row["total"] = measured["correct"], measured["total"]
        row["top1"], row["delta_pp"] = measured["top1"], measured["delta_pp"]
        row["delta_ci95_low_pp"], row["delta_ci95_high_pp"] = measured["delta_ci95_pp"]
        row["agreement"] = measured["agreement"]
        row["kl_divergence"] = measured["kl_divergence"]
        row["bytes"] = attempt.model.ByteSize()
        yield row
        if -measured["delta_pp"] <= target_drop_pp:
            return


def last_quantized(rows: Sequence[MixedPrecisionRow]) -> MixedPrecisionRow:
    """Return the last step that was made and quantizes a node: `auto`, which is never float32.

    Raises UserError, with the first reason, when no such step could be made.
    """
    made = [row for row in rows if row["nodes_quantized"] and is_made(row)]
    if not made:
        reason = next((row["reason"] for row in rows if not is_made(row)), "no node is quantized")
        raise UserError(f"no step on the way to {AUTO} could be made; the first one: {reason}")
    return made[-1]
