"""Whether the figures of a device agree with each other, as those do that measure.py writes."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import named, shown
from ptq_comparison.device.device_file import AGAIN
from ptq_comparison.device.results import Device, DeviceRow, row_of
from ptq_comparison.evaluation.timing import Times, speedup

MOST_CLASSES = 2**31  # where their number is not known
TOLERANCE = 1e-6  # of a figure that is computed again, with another NumPy
# Of a row: what a model has that ran, what the end of a measurement adds, and times.
RAN = ("predictions", "correct", "accuracy", "expected_agreement")
COMPARED = ("correct", "accuracy", "agreement", "expected_agreement")
OPTIONAL = ("agreement", "executed_by", "saturation", "peak_memory_bytes")
TIMED = ("block_medians_ms", "latency")


def check_consistent(device: Device, path: Path, classes: int = MOST_CLASSES) -> None:
    """Raise UserError where a figure does not follow from others of the same file.

    `classes` is their number. What depends on images and labels, `brought_back` looks at.
    """
    names = [row["name"] for row in device["models"]]
    if len(set(names)) < len(names):
        twin = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{path}: models: {named(twin)} stands there twice; {AGAIN}")
    fp32 = row_of(device, "fp32")
    for row in device["models"]:
        _check_kind(row, device, path)
    _check_turns(device, path)
    for row in device["models"]:
        if row["failed"] is None:
            _check_predictions(row, device, path, classes)
            if not is_uncompared(row, device):
                _check_agreement(row, fp32, path)
            _check_saturation(row, path)
        if row["latency"]:
            _check_times(row, fp32, device["settings"], path)


def _check_turns(device: Device, path: Path) -> None:
    """Check what is the same for all timed models: they take turns, call by call."""
    timed = [row for row in device["models"] if row["latency"] and row["block_medians_ms"]]
    calls = {row["latency"]["calls"] for row in timed if row["latency"]}
    blocks = {len(row["block_medians_ms"]) for row in timed if row["block_medians_ms"]}
    for key, found in (("latency.calls", calls), ("blocks in block_medians_ms", blocks)):
        if len(found) > 1:
            refuse(path, key, sorted(found), "one number for all models", "taking turns")
    if blocks and max(blocks) > device["settings"]["blocks"]:
        place, expected = "blocks in block_medians_ms", device["settings"]["blocks"]
        refuse(path, place, max(blocks), expected, "settings.blocks")


def refuse(path: Path, key: str, found: Any, expected: Any, why: str) -> NoReturn:
    """Raise UserError: a figure is not what follows from others."""
    raise UserError(
        f"{path}: {key} is {_text(found)}, but {_text(expected)} follows from {why}; the file was "
        f"changed after it was measured: {AGAIN}"
    )


def require(path: Path, key: str, found: Any, expected: Any, why: str) -> None:
    """Refuse a number, or a list of numbers, that is not the expected one; None equals None."""
    if found is None or expected is None:
        same = found is expected
    else:
        pairs = zip(np.atleast_1d(found), np.atleast_1d(expected), strict=True)
        same = all(is_close(*pair) for pair in pairs)
    if not same:
        refuse(path, key, found, expected, why)


def is_close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-9)


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_text, value))}]"
    return value if isinstance(value, str) else shown(value)


def _place(row: DeviceRow, key: str) -> str:
    return f"models.{named(row['name'])}.{key}"


def _check_kind(row: DeviceRow, device: Device, path: Path) -> None:
    """Check which values a row has: a model that failed has none, an emulated one no times."""
    values: dict[str, Any] = {**row}
    if row["failed"] is not None:
        for key in (*RAN, *OPTIONAL, *TIMED):
            if values[key] is not None:
                refuse(path, _place(row, key), "there", None, "failed")
        return
    for key in RAN:
        if values[key] is None and not is_uncompared(row, device):
            refuse(path, _place(row, key), None, "a value", "failed: null")
    times = [values[key] is not None for key in TIMED]
    if any(times) and device["emulated"] is not None:
        raise UserError(
            f"{path}: {_place(row, TIMED[times.index(True)])} is there, but times of an emulated "
            "CPU say nothing; measure again with --no-times and --emulated"
        )
    if any(times) and not all(times):
        refuse(path, _place(row, TIMED[times.index(False)]), None, "a value", "the other times")
    medians, blocks = row["block_medians_ms"], device["settings"]["blocks"]
    if medians is not None and len(medians) != blocks and device["finished"]:
        place = _place(row, "block_medians_ms")
        refuse(path, place, f"{len(medians)} long", f"{blocks}", "settings.blocks")
    if device["settings"]["provider"] not in device["runtime"]["providers"]:
        given = ", ".join(device["runtime"]["providers"])
        refuse(path, "settings.provider", device["settings"]["provider"], given, "runtime")


def is_uncompared(row: DeviceRow, device: Device) -> bool:
    """Tell whether a measurement was stopped before it compared predictions."""
    values: dict[str, Any] = {**row}
    stopped = not device["finished"] and row["predictions"] is not None
    return stopped and all(values[key] is None for key in COMPARED)


def _check_predictions(row: DeviceRow, device: Device, path: Path, classes: int) -> None:
    saturation: Mapping[str, Any] = row["saturation"] or {}
    for key, predicted in (
        ("predictions", row["predictions"]),
        ("saturation.predictions", saturation.get("predictions")),
    ):
        if predicted is None:
            continue
        place, count = _place(row, key), device["dataset"]["images"]
        if len(predicted) != count:
            refuse(path, place, f"{len(predicted):,} long", f"{count:,}", "dataset.images")
        for found in predicted:
            if type(found) is not int or not 0 <= found < classes:  # True is an int, too
                raise UserError(
                    f"{path}: {place}: {shown(found)} is no class: there are 0 to {classes - 1}; "
                    f"{AGAIN}"
                )


def _check_agreement(row: DeviceRow, fp32: DeviceRow | None, path: Path) -> None:
    expected = None
    if fp32 and fp32["predictions"] is not None:
        expected = share_of_equal(row["predictions"], fp32["predictions"])
    place = _place(row, "agreement")
    require(path, place, row["agreement"], expected, "the predictions of both models")


def share_of_equal(one: Any, other: Any) -> float:
    """Return the share of images with equal classes, of integers (N,)."""
    return float(np.mean(np.asarray(one) == np.asarray(other)))


def _check_saturation(row: DeviceRow, path: Path) -> None:
    """Compute the share of changed predictions; the loss is looked at where labels are known."""
    saturation = row["saturation"]
    if saturation is None:
        return
    place = _place(row, "saturation")
    changed, delta = saturation["changed"], saturation["delta_pp"]
    if not saturation["checked"]:
        for key in ("changed", "delta_pp", "predictions"):
            values: dict[str, Any] = {**saturation}
            if values[key] is not None:
                refuse(path, f"{place}.{key}", "there", None, "checked: false")
        if saturation["why"] is None:
            refuse(path, f"{place}.why", None, "a reason", "checked: false")
        return
    if saturation["why"] is not None:
        refuse(path, f"{place}.why", "there", None, "checked: true")
    exact = saturation["predictions"]
    if changed is None or delta is None or exact is None:
        refuse(path, place, None, "a value", "checked: true")
    share = 1 - share_of_equal(exact, row["predictions"])
    require(path, f"{place}.changed", changed, share, "the predictions without saturation")


def _check_times(
    row: DeviceRow, fp32: DeviceRow | None, settings: dict[str, Any], path: Path
) -> None:
    """Compute from the medians of the blocks what follows from them; bound what does not."""
    latency, medians = row["latency"], row["block_medians_ms"]
    assert latency is not None and medians is not None
    blocks = len(medians)

    def check(key: str, expected: Any, why: str) -> None:
        require(path, _place(row, f"latency.{key}"), {**latency}[key], expected, why)

    check("threads", settings["threads"], "settings.threads")
    calls, median = latency["calls"], latency["median_ms"]
    if calls % blocks:
        what = f"a multiple of {blocks}"
        refuse(path, _place(row, "latency.calls"), calls, what, "block_medians_ms")
    if calls == blocks:
        check("median_ms", float(np.median(medians)), "block_medians_ms")
    # Half of the calls of a block, at least, are no longer than its median, and half no shorter.
    low, high = min(medians), max(medians)
    if not low * (1 - TOLERANCE) <= median <= high * (1 + TOLERANCE):
        what = f"{low:.6g} to {high:.6g}"
        refuse(path, _place(row, "latency.median_ms"), median, what, "block_medians_ms")
    for key, least in (("p90_ms", "median_ms"), ("p99_ms", "p90_ms")):
        values: dict[str, Any] = {**latency}
        if values[key] < values[least] * (1 - TOLERANCE):
            what = f"at least {values[least]:.6g}"
            refuse(path, _place(row, f"latency.{key}"), values[key], what, least)
    check("images_per_second", 1e3 * latency["batch_size"] / median, "median_ms and batch_size")
    speed, interval = None, None
    if fp32 and fp32["block_medians_ms"] is not None:
        speed, limits = speed_of_blocks(medians, fp32["block_medians_ms"])
        interval = list(limits)
    check("speedup", speed, "block_medians_ms of this model and of fp32")
    check("speedup_ci95", interval, "block_medians_ms of this model and of fp32")


def speed_of_blocks(
    medians_ms: Sequence[float], fp32_ms: Sequence[float]
) -> tuple[float, tuple[float, float]]:
    """Return what `latency.speedup` does: it depends on the medians of blocks, in ms, alone."""
    one, other = (
        Times(np.asarray(medians, np.float64)[:, None], np.zeros(len(medians)))
        for medians in (medians_ms, fp32_ms)
    )
    return speedup(one, other)
