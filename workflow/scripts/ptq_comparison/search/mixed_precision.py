"""Keep the worst nodes in float32, one after the other, until the loss of accuracy is small."""

from collections.abc import Iterator, Sequence

import numpy as np

from ptq_comparison.evaluation.evaluate import evaluate_recipe
from ptq_comparison.search.results import MixedPrecisionRow
from ptq_comparison.search.trial import Trial


def mix_precision(
    trial: Trial, ranking: Sequence[str], labels: np.ndarray, target_drop_pp: float
) -> Iterator[MixedPrecisionRow]:
    """Yield each step of the curve: one node more of `ranking` stays in float32.

    The first step is the recipe itself. The last one loses at most `target_drop_pp` of accuracy, in
    percentage points, on the images of the trial with these `labels`, int64 (N,); it may be the one
    with all nodes in float32. Since it is the first one to pass, its accuracy is optimistic, and
    other images have to confirm it.
    """
    for kept in range(len(ranking) + 1):
        model = trial.quantize(ranking[:kept])
        measured = evaluate_recipe(trial.predict(model), trial.scores, labels)
        low, high = measured["delta_ci95_pp"]
        yield {
            "nodes_in_float": kept,
            "nodes_quantized": len(ranking) - kept,
            "node": ranking[kept - 1] if kept else "",
            "correct": measured["correct"],
            "total": measured["total"],
            "top1": measured["top1"],
            "delta_pp": measured["delta_pp"],
            "delta_ci95_low_pp": low,
            "delta_ci95_high_pp": high,
            "agreement": measured["agreement"],
            "kl_divergence": measured["kl_divergence"],
            "bytes": model.ByteSize(),
        }
        if -measured["delta_pp"] <= target_drop_pp:
            return


def last_quantized(rows: Sequence[MixedPrecisionRow]) -> MixedPrecisionRow:
    """Return the last step in which a node is quantized: `auto` is that one, and never float32."""
    return [row for row in rows if row["nodes_quantized"]][-1]
