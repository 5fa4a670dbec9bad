"""The speed of each step on the way to the recipe auto."""

from collections.abc import Callable, Sequence
from typing import Any

import onnx

from ptq_comparison.evaluation.latency import Times, measure, summarize_speed
from ptq_comparison.inference.batches import Batches
from ptq_comparison.search.results import MixedPrecisionRow

STEPS_IN_MEMORY = 8


def time_steps(
    rows: Sequence[MixedPrecisionRow],
    quantize: Callable[[Sequence[str]], onnx.ModelProto],
    fp32: onnx.ModelProto,
    setting: tuple[Batches, int],
    seconds: float,
    progress: Any,
) -> list[MixedPrecisionRow]:
    """Return the rows with the speed of each step, measured in groups, each of them with float32.

    A large model has a hundred steps, which memory need not hold at once. `quantize` is the
    function of a `Trial`; the others are as in `latency.measure`.
    """
    batches, threads = setting
    batch_size = next(iter(batches)).size
    nodes = [row["node"] for row in rows[1:]]
    timed: list[MixedPrecisionRow] = []
    for start in range(0, len(rows), STEPS_IN_MEMORY):
        group = rows[start : start + STEPS_IN_MEMORY]
        models = {
            str(row["nodes_in_float"]): quantize(nodes[: row["nodes_in_float"]]) for row in group
        }
        (times,) = measure({"fp32": fp32, **models}, [setting], seconds, progress)
        baseline = times.pop("fp32")
        timed += add_speeds(group, list(times.values()), baseline, threads, batch_size)
    return timed


def add_speeds(
    rows: Sequence[MixedPrecisionRow],
    times: Sequence[Times],
    fp32: Times,
    threads: int,
    batch_size: int,
) -> list[MixedPrecisionRow]:
    """Return the rows with throughput and speed against float32, from one measurement of all."""
    timed: list[MixedPrecisionRow] = []
    for row, own in zip(rows, times, strict=True):
        speed = summarize_speed(own, fp32, threads, batch_size)
        low, high = speed["speedup_ci95"]
        timed.append(
            {
                **row,
                "threads": threads,
                "batch_size": batch_size,
                "images_per_second": speed["images_per_second"],
                "speedup": speed["speedup"],
                "speedup_ci95_low": low,
                "speedup_ci95_high": high,
            }
        )
    return timed
