"""The speed of each step on the way to the recipe auto."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import onnx

from ptq_comparison.evaluation.latency import Settings, measure_models
from ptq_comparison.evaluation.results import Speed
from ptq_comparison.search.results import MixedPrecisionRow, is_made

STEPS_IN_MEMORY = 8
# What `add_speed` adds.
SPEEDS = (
    "threads",
    "batch_size",
    "images_per_second",
    "speedup",
    "speedup_ci95_low",
    "speedup_ci95_high",
)


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
    `Trial`, `settings` is a single one; the others are as in `latency.measure`. Steps that could
    not be made get no speed.
    """
    nodes = [row["node"] for row in rows[1:]]
    made = [row for row in rows if is_made(row)]
    timed: dict[int, MixedPrecisionRow] = {}
    for start in range(0, len(made), STEPS_IN_MEMORY):
        group = made[start : start + STEPS_IN_MEMORY]
        models = {
            str(row["nodes_in_float"]): quantize(nodes[: row["nodes_in_float"]]) for row in group
        }
        _, *speeds = measure_models({"fp32": fp32, **models}, settings, seconds, progress)
        for row, speed in zip(group, speeds, strict=True):
            timed[row["nodes_in_float"]] = add_speed(row, speed)
    untimed = dict.fromkeys(SPEEDS)
    return [
        timed.get(row["nodes_in_float"], cast(MixedPrecisionRow, {**row, **untimed}))
        for row in rows
    ]


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
