"""What `latency` and `saturation` measure, for readers that need not load onnxruntime."""

from typing import Any, TypedDict


class SaturationCheck(TypedDict):
    """Whether a model was run without saturation, too; else `cannot` or `refused` tells why not.

    `cannot` is why neither this model on any CPU nor any model on this one can saturate, `refused`
    is onnxruntime's reason where it has no exact kernels. `saturating_operators` may saturate on
    x86-64 without VNNI, whatever this CPU does.
    """

    checked: bool
    cannot: str | None
    refused: str | None
    saturating_operators: list[str]


class Saturation(SaturationCheck):
    """`changed` is the share of predictions that saturation changes.

    `delta_pp` is the accuracy as predicted minus that without saturation, in percentage points.
    Both are 0 where nothing can saturate, and None where onnxruntime refused the check.
    """

    changed: float | None
    delta_pp: float | None


class Speed(TypedDict):
    """What `latency.summarize` returns."""

    threads: int
    batch_size: int
    calls: int
    median_ms: float
    p90_ms: float
    p99_ms: float
    images_per_second: float
    session_start_ms: float
    speedup: float
    speedup_ci95: list[float]


class LatencyRow(Speed):
    """A row of latency.json; memory is not measured for recipes."""

    model: str
    peak_memory_bytes: int | None


class LoadAverage(TypedDict):
    """Processes that wanted to run in the last 1, 5 and 15 minutes; None where it is not told."""

    before: list[float] | None
    after: list[float] | None


class Machine(TypedDict):
    """What may have disturbed the measurements; `governor` is None where the system has none."""

    load_average: LoadAverage
    governor: str | None


class Latency(TypedDict):
    """The content of latency.json."""

    measurements: list[LatencyRow]
    machine: Machine
    runtime: dict[str, Any]
