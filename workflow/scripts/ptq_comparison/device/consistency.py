"""Whether the figures of a device agree with each other, as those do that measure.py writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import named, shown
from ptq_comparison.device.block_times import check_times, check_turns
from ptq_comparison.device.device_file import AGAIN
from ptq_comparison.device.refusal import place_of, refuse, require
from ptq_comparison.device.results import Device, DeviceRow, row_of

MOST_CLASSES = 2**31  # where their number is not known
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
    check_turns(device, path)
    for row in device["models"]:
        if row["failed"] is None:
            _check_predictions(row, device, path, classes)
            if not is_uncompared(row, device):
                _check_agreement(row, fp32, path)
            _check_saturation(row, path)
        if row["latency"]:
            check_times(row, fp32, device["settings"], path)


def _check_kind(row: DeviceRow, device: Device, path: Path) -> None:
    """Check which values a row has: a model that failed has none, an emulated one no times."""
    values: dict[str, Any] = {**row}
    if row["failed"] is not None:
        for key in (*RAN, *OPTIONAL, *TIMED):
            if values[key] is not None:
                refuse(path, place_of(row, key), "there", None, "failed")
        return
    for key in RAN:
        if values[key] is None and not is_uncompared(row, device):
            refuse(path, place_of(row, key), None, "a value", "failed: null")
    times = [values[key] is not None for key in TIMED]
    if any(times) and device["emulated"] is not None:
        raise UserError(
            f"{path}: {place_of(row, TIMED[times.index(True)])} is there, but times of an emulated "
            "CPU say nothing; measure again with --no-times and --emulated"
        )
    if any(times) and not all(times):
        refuse(path, place_of(row, TIMED[times.index(False)]), None, "a value", "the other times")
    medians, blocks = row["block_medians_ms"], device["settings"]["blocks"]
    if medians is not None and len(medians) != blocks and device["finished"]:
        place = place_of(row, "block_medians_ms")
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
        place, count = place_of(row, key), device["dataset"]["images"]
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
    place = place_of(row, "agreement")
    require(path, place, row["agreement"], expected, "the predictions of both models")


def share_of_equal(one: Any, other: Any) -> float:
    """Return the share of images with equal classes, of integers (N,)."""
    return float(np.mean(np.asarray(one) == np.asarray(other)))


def _check_saturation(row: DeviceRow, path: Path) -> None:
    """Compute the share of changed predictions; the loss is looked at where labels are known."""
    saturation = row["saturation"]
    if saturation is None:
        return
    place = place_of(row, "saturation")
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
