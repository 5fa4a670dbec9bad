"""Keep the worst nodes in float32, one after the other, until the accuracy is near enough."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from ptq_comparison.fidelity import kl_divergence
from ptq_comparison.latency import Times, speedup, summarize
from ptq_comparison.metrics import paired_comparison
from ptq_comparison.sensitivity import Row
from ptq_comparison.trial import Trial


def mix_precision(
    trial: Trial, ranking: Sequence[str], labels: np.ndarray, target_drop_pp: float
) -> Iterator[tuple[Row, onnx.ModelProto]]:
    """Yield each step of the curve, with its model: one node more of `ranking` stays in float32.

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
        row = {
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
        yield row, model
        if -row["delta_pp"] <= target_drop_pp:
            return


def last_quantized(rows: Sequence[Row]) -> Row:
    """Return the last step in which a node is quantized: `auto` is that one, and never float32."""
    return [row for row in rows if row["nodes_quantized"]][-1]


def add_speeds(
    rows: Sequence[Row], times: Sequence[Times], fp32: Times, setting: Mapping[str, Any]
) -> list[Row]:
    """Return the rows with throughput and speed against float32, from one measurement of all.

    `setting` holds `threads` and `batch_size`.
    """
    timed = []
    for row, own in zip(rows, times, strict=True):
        ratio, (low, high) = speedup(own, fp32)
        timed.append(
            {
                **row,
                **setting,
                "images_per_second": summarize(own, setting["batch_size"])["images_per_second"],
                "speedup": ratio,
                "speedup_ci95_low": low,
                "speedup_ci95_high": high,
            }
        )
    return timed
