"""The speed of the steps on the way to the recipe auto."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import onnx

from ptq_comparison.evaluation.latency import Settings, measure, measure_models
from ptq_comparison.evaluation.results import Speed
from ptq_comparison.evaluation.timing import speedup
from ptq_comparison.search.mixed_precision import Step
from ptq_comparison.search.results import MixedPrecisionRow

STEPS_IN_MEMORY = 8
COMPARED_BLOCKS = 10
# What `add_speed` adds.
SPEEDS = (
    "threads",
    "batch_size",
    "images_per_second",
    "speedup",
    "speedup_ci95_low",
    "speedup_ci95_high",
)


def compare_speed(
    before: onnx.ModelProto, after: onnx.ModelProto, settings: Settings, seconds: float
) -> tuple[float, float]:
    """Return how many times as fast the second model is, and the lower end of the 95 % interval.

    It is the whole graph that is timed: a node in float32 needs conversions around it, which the
    time of the node alone does not tell.
    """
    models = {"before": before, "after": after}
    (times,) = measure(models, settings, seconds, None, COMPARED_BLOCKS)
    speed, (low, _) = speedup(times["after"], times["before"])
    return speed, low


def time_steps(
    steps: Sequence[Step],
    quantize: Callable[[Sequence[str]], onnx.ModelProto],
    fp32: onnx.ModelProto,
    settings: Settings,
    seconds: float,
    progress: Any,
) -> list[Step]:
    """Return the steps with their speed, measured in groups, each of them with float32.

    Memory need not hold the hundred steps of a large model at once. `quantize` is the function of a
    `Trial`, `settings` is a single one; the others are as in `latency.measure`. Steps that could
    not be made get no speed.
    """
    made = [number for number, step in enumerate(steps) if step.agrees is not None]
    timed: dict[int, MixedPrecisionRow] = {}
    for start in range(0, len(made), STEPS_IN_MEMORY):
        group = made[start : start + STEPS_IN_MEMORY]
        models = {str(number): quantize(steps[number].in_float) for number in group}
        _, *speeds = measure_models({"fp32": fp32, **models}, settings, seconds, progress)
        for number, speed in zip(group, speeds, strict=True):
            timed[number] = add_speed(steps[number].row, speed)
    untimed = dict.fromkeys(SPEEDS)
    return [
        step._replace(row=timed.get(number, cast(MixedPrecisionRow, {**step.row, **untimed})))
        for number, step in enumerate(steps)
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
