"""The file of a measurement, which is whole at any time, and its table."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

DEVICE_FORMAT, DEVICE_VERSION = "ptq_comparison.device", 1
# Of a row: what there is only where the model runs.
MEASURED = (
    "predictions", "correct", "accuracy", "agreement", "expected_agreement", "executed_by",
    "saturation", "block_medians_ms", "latency", "peak_memory_bytes",
)  # fmt: skip


def new_row(model: dict[str, Any], failed: str | None = None) -> dict[str, Any]:
    """Return the row of a model, given its entry in the manifest, before anything is measured."""
    known = {key: model[key] for key in ("name", "path", "sha256", "bytes", "format")}
    return {**known, "failed": failed, **dict.fromkeys(MEASURED)}


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a measurement whole or not at all, also where the power fails."""
    record["written"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = json.dumps(record, indent=1, allow_nan=False)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_unfinished(path: Path, record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the rows that a stopped measurement of the same kind has left, by model.

    `record` is the new measurement; the earlier one has to be of the same images, settings,
    machine and runtime.
    """
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if earlier["finished"] or any(earlier[key] != record[key] for key in ("format", "version")):
            return {}
        same = ("dataset", "settings", "runtime", "emulated")
        cpu = ("cpu", "isa", "cores")
        if any(earlier[key] != record[key] for key in same) or any(
            earlier["machine"][key] != record["machine"][key] for key in cpu
        ):
            return {}
        return {row["name"]: row for row in earlier["models"] if row["predictions"]}
    except (OSError, ValueError, KeyError, TypeError):  # none, or not of this program
        return {}


def record_table(record: dict[str, Any]) -> str:
    """Return what was measured as a table of text, a line a model."""
    headings = ("model", "accuracy", "agrees", "changed", "ms", "speed", "95 % interval", "MiB")
    rows = [headings]
    notes = []
    for row in record["models"]:
        if row["failed"]:
            rows.append((row["name"], "failed", *[""] * (len(headings) - 2)))
            notes.append(f"{row['name']}: {row['failed']}")
            continue
        rows.append((row["name"], *_cells(row)))
    widths = [max(map(len, column)) for column in zip(*rows)]  # noqa: B905 - Python 3.8
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths))  # noqa: B905
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *notes])


def _cells(row: dict[str, Any]) -> list[str]:
    def text(value: Any, form: str) -> str:
        return "" if value is None else format(value, form)

    latency = row["latency"] or {}
    expected, memory = row["expected_agreement"], row["peak_memory_bytes"]
    changed = None if expected is None else round((1 - expected) * len(row["predictions"]))
    interval = latency.get("speedup_ci95")
    return [
        text(row["accuracy"], ".2%"),
        text(row["agreement"], ".2%"),
        text(changed, "d"),
        text(latency.get("median_ms"), ".3f"),
        text(latency.get("speedup"), ".2f"),
        "{:.2f} to {:.2f}".format(*interval) if interval else "",
        text(memory and memory / 2**20, ".1f"),
    ]
