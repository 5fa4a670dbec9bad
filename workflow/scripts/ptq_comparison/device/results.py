"""What a device brings back, for readers that need not load onnxruntime."""

from typing import Any, NotRequired, TypedDict

from ptq_comparison.evaluation.results import Speed


class DeviceSaturation(TypedDict):
    """What saturation changes on the device; None where it was not checked, `why` tells why not.

    `predictions` are the classes without saturation.
    """

    checked: bool
    why: str | None
    changed: float | None
    delta_pp: float | None
    predictions: list[int] | None


class DeviceRow(TypedDict):
    """A model on a device; all from `predictions` on is None where it `failed`.

    `accuracy`, `agreement` and `expected_agreement` are fractions; a stopped measurement may lack
    them, which the reader fills in. `changed` counts the images
    whose class is not that of the machine which made the bundle; the reader adds it.
    """

    name: str
    path: str
    sha256: str
    bytes: int
    format: str
    failed: str | None
    predictions: list[int] | None
    correct: int | None
    accuracy: float | None
    agreement: float | None
    expected_agreement: float | None
    executed_by: dict[str, int] | None
    saturation: DeviceSaturation | None
    block_medians_ms: list[float] | None
    latency: Speed | None
    peak_memory_bytes: int | None
    changed: NotRequired[int | None]


class Device(TypedDict):
    """The content of device_<name>.json; `notes` says what the reader left out, and why."""

    format: str
    version: int
    name: str
    emulated: str | None
    finished: bool
    written: str
    dataset: dict[str, Any]
    settings: dict[str, Any]
    machine: dict[str, Any]
    runtime: dict[str, Any]
    models: list[DeviceRow]
    notes: NotRequired[list[str]]


def row_of(device: Device, model: str) -> DeviceRow | None:
    """Return the row of a model, None where the device has none."""
    return next((row for row in device["models"] if row["name"] == model), None)
