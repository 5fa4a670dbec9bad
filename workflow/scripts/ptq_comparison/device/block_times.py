"""Whether the times of a device agree with the median times of its blocks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ptq_comparison.device.refusal import TOLERANCE, place_of, refuse, require
from ptq_comparison.device.results import Device, DeviceRow
from ptq_comparison.evaluation.timing import Times, speedup


def check_turns(device: Device, path: Path) -> None:
    """Refuse other numbers of calls or blocks than all models have, which take turns."""
    timed = [row for row in device["models"] if row["latency"] and row["block_medians_ms"]]
    calls = {row["latency"]["calls"] for row in timed if row["latency"]}
    blocks = {len(row["block_medians_ms"]) for row in timed if row["block_medians_ms"]}
    for key, found in (("latency.calls", calls), ("blocks in block_medians_ms", blocks)):
        if len(found) > 1:
            refuse(path, key, sorted(found), "one number for all models", "taking turns")
    if blocks and max(blocks) > device["settings"]["blocks"]:
        place, expected = "blocks in block_medians_ms", device["settings"]["blocks"]
        refuse(path, place, max(blocks), expected, "settings.blocks")


def check_times(
    row: DeviceRow, fp32: DeviceRow | None, settings: dict[str, Any], path: Path
) -> None:
    """Refuse times that do not follow from the medians of the blocks, or lie beyond them."""
    latency, medians = row["latency"], row["block_medians_ms"]
    assert latency is not None and medians is not None
    blocks = len(medians)

    def check(key: str, expected: Any, why: str) -> None:
        require(path, place_of(row, f"latency.{key}"), {**latency}[key], expected, why)

    check("threads", settings["threads"], "settings.threads")
    calls, median = latency["calls"], latency["median_ms"]
    if calls % blocks:
        what = f"a multiple of {blocks}"
        refuse(path, place_of(row, "latency.calls"), calls, what, "block_medians_ms")
    if calls == blocks:
        check("median_ms", float(np.median(medians)), "block_medians_ms")
    # Half of the calls of a block, at least, are no longer than its median, and half no shorter.
    low, high = min(medians), max(medians)
    if not low * (1 - TOLERANCE) <= median <= high * (1 + TOLERANCE):
        what = f"{low:.6g} to {high:.6g}"
        refuse(path, place_of(row, "latency.median_ms"), median, what, "block_medians_ms")
    for key, least in (("p90_ms", "median_ms"), ("p99_ms", "p90_ms")):
        values: dict[str, Any] = {**latency}
        if values[key] < values[least] * (1 - TOLERANCE):
            what = f"at least {values[least]:.6g}"
            refuse(path, place_of(row, f"latency.{key}"), values[key], what, least)
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
