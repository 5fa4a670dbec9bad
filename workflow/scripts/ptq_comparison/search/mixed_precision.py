"""Keep the worst nodes in float32, one after the other, until the accuracy is near enough."""

from collections.abc import Iterator, Sequence

import numpy as np

from ptq_comparison.evaluation.fidelity import kl_divergence
from ptq_comparison.evaluation.metrics import paired_comparison
from ptq_comparison.search.sensitivity import Row
from ptq_comparison.search.trial import Trial


def mix_precision(
    trial: Trial, ranking: Sequence[str], labels: np.ndarray, target_drop_pp: float
) -> Iterator[Row]:
    """Yield each step of the curve: one node more of `ranking` stays in float32.

    The first step is the recipe itself. The last one loses at most `target_drop_pp` of accuracy, in
    percentage points, on the images of the trial with these `labels`, int64 (N,); it may be the one
    with all nodes in float32. It is the first one to pass, so that its accuracy is an optimistic
    figure, which other images have to confirm. `bytes` is the size of the file. Accuracies are
    fractions, differences in percentage points with Tango's interval.
    """
    fp32 = trial.scores.argmax(axis=1)
    for kept in range(len(ranking) + 1):
        model = trial.quantize(ranking[:kept])
        scores = trial.predict(model)
        predicted = scores.argmax(axis=1)
        comparison = paired_comparison(predicted, fp32, labels)
        correct = int(np.sum(predicted == labels))
        low, high = comparison["delta_ci95_pp"]
        row: Row = {
            "nodes_in_float": kept,
            "nodes_quantized": len(ranking) - kept,
            "node": ranking[kept - 1] if kept else "",
            "correct": correct,
            "total": len(labels),
            "top1": correct / len(labels),
            "delta_pp": comparison["delta_pp"],
            "delta_ci95_low_pp": low,
            "delta_ci95_high_pp": high,
            "agreement": comparison["agreement"],
            "kl_divergence": kl_divergence(trial.scores, scores),
            "bytes": model.ByteSize(),
        }
        yield row
        if -row["delta_pp"] <= target_drop_pp:
            return


def last_quantized(rows: Sequence[Row]) -> Row:
    """Return the last step in which a node is quantized: `auto` is that one, and never float32."""
    return [row for row in rows if row["nodes_quantized"]][-1]
