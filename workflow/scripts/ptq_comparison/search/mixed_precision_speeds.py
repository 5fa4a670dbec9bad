"""The speed of each step on the way to the recipe auto."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx

from ptq_comparison.evaluation.latency import Times, measure, speedup, summarize
from ptq_comparison.inference.batches import Batches
from ptq_comparison.search.sensitivity import Row

GROUP = 8  # steps that are loaded at once


def time_steps(
    rows: Sequence[Row],
    quantize: Callable[[Sequence[str]], onnx.ModelProto],
    fp32: onnx.ModelProto,
    setting: tuple[Batches, int],
    seconds: float,
    progress: Any,
) -> list[Row]:
    """Return the rows with the speed of each step, measured in groups, each of them with float32.

    A large model has a hundred steps, which memory need not hold at once. `quantize` is the
    function of a `Trial`; the others are as in `latency.measure`.
    """
    batches, threads = setting
    described = {"threads": threads, "batch_size": next(iter(batches)).size}
    nodes = [row["node"] for row in rows[1:]]
    timed = []
    for start in range(0, len(rows), GROUP):
        group = rows[start : start + GROUP]
        models = {
            str(row["nodes_in_float"]): quantize(nodes[: row["nodes_in_float"]]) for row in group
        }
        (times,) = measure({"fp32": fp32, **models}, [setting], seconds, progress)
        baseline = times.pop("fp32")
        timed += add_speeds(group, list(times.values()), baseline, described)
    return timed


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
