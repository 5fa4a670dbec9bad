"""What `latency` and `saturation` measure, for readers that need not load onnxruntime."""

from typing import Any, TypedDict


class Saturation(TypedDict):
    """Predictions against those without saturation; see `check_saturation`."""

    checked: bool
    refused: str | None
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


class Latency(TypedDict):
    """The content of latency.json."""

    measurements: list[LatencyRow]
    runtime: dict[str, Any]
