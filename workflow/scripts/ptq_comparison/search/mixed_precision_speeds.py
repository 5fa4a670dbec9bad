"""The speed of each step on the way to the recipe auto."""

from collections.abc import Callable, Sequence
from typing import Any

import onnx

from ptq_comparison.evaluation.latency import Settings, measure_models
from ptq_comparison.evaluation.results import Speed
from ptq_comparison.search.results import MixedPrecisionRow

STEPS_IN_MEMORY = 8


def time_steps(
    rows: Sequence[MixedPrecisionRow],
    quantize: Callable[[Sequence[str]], onnx.ModelProto],
    fp32: onnx.ModelProto,
    settings: Settings,
    seconds: float,
    progress: Any,
) -> list[MixedPrecisionRow]:
    """Return the rows with the speed of each step, measured in groups, each of them with float32.

    Memory need not hold the hundred steps of a large model at once. `quantize` is the function of a
    `Trial`, `settings` is a single one; the others are as in `latency.measure`.
    """
    nodes = [row["node"] for row in rows[1:]]
    timed: list[MixedPrecisionRow] = []
    for start in range(0, len(rows), STEPS_IN_MEMORY):
        group = rows[start : start + STEPS_IN_MEMORY]
        models = {
            str(row["nodes_in_float"]): quantize(nodes[: row["nodes_in_float"]]) for row in group
        }
        _, *speeds = measure_models({"fp32": fp32, **models}, settings, seconds, progress)
        timed += map(add_speed, group, speeds)
    return timed


def add_speed(row: MixedPrecisionRow, speed: Speed) -> MixedPrecisionRow:
    """Return the row of a step with its setting, its throughput and its speed against float32."""
    low, high = speed["speedup_ci95"]
    return {
        **row,
        "threads": speed["threads"],
        "batch_size": speed["batch_size"],
        "images_per_second": speed["images_per_second"],
        "speedup": speed["speedup"],
        "speedup_ci95_low": low,
        "speedup_ci95_high": high,
    }
