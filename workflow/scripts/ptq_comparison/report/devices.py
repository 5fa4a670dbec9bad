"""All devices in one table: what each model gives on each of them."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypedDict

import pandas as pd

from ptq_comparison.common.texts import plain_markdown, shown_names
from ptq_comparison.device.results import Device, DeviceRow
from ptq_comparison.report.cells import MARK
from ptq_comparison.report.columns import (
    DEVICES_CSV,
    DEVICES_MAIN,
    DEVICES_MORE,
    csv_text,
    make_table,
    markdown_table,
    text_table,
)
from ptq_comparison.report.device_verdict import DeviceDecision
from ptq_comparison.report.page import to_page

TITLE = "The same models on other devices"
MAIN_CAPTION = "Devices and models"
MORE_CAPTION = "More about times"
SPEED_KEYS = ("speedup", "speedup_ci95_low", "speedup_ci95_high")
MACHINES_CAPTION = "The devices"
NOTES = (
    "Changed: images whose predicted class is not that of the machine that made the bundle. "
    "Agreement: share of images on which the model predicts the class that float32 does on the "
    "same device.",
    "Speed: images a second as a multiple of float32 on the same device, and the 95 % bootstrap "
    f"interval of a repeat; other load disturbed a speed with {MARK}.",
    "Saturated: share of predictions that change, and accuracy that is lost or won, because "
    "kernels of the device add in 16 bits, which overflow.",
)


class Brought(TypedDict):
    """A device as results/devices.json has it for the comparison and the figure.

    `ship` is the model to ship there, None where there is none, and `sentence` says why. The rows
    are those of the device without predictions and blocks.
    """

    name: str
    emulated: str | None
    images: int
    ship: str | None
    sentence: str
    warnings: list[str]
    notes: list[str]
    models: list[dict[str, Any]]


class DevicesPage(NamedTuple):
    """The contents of devices.csv, .md and .html."""

    csv: str
    markdown: str
    html: str


def summarize_device(
    device: Device,
    decision: DeviceDecision,
    warnings: Sequence[str],
    notes: Sequence[str],
) -> Brought:
    """Return what other rules need to know of a device that was read."""
    left_out = ("predictions", "block_medians_ms")
    rows = [
        {key: value for key, value in row.items() if key not in left_out}
        | {"saturation": _saturation(row)}
        for row in device["models"]
    ]
    return {
        "name": device["name"],
        "emulated": device["emulated"],
        "images": device["dataset"]["images"],
        "ship": decision.model,
        "sentence": decision.sentence,
        "warnings": list(warnings),
        "notes": list(notes),
        "models": rows,
    }


def _saturation(row: DeviceRow) -> dict[str, Any] | None:
    if row["saturation"] is None:
        return None
    return {key: value for key, value in row["saturation"].items() if key != "predictions"}


def write_page(devices: Sequence[Device], brought: Sequence[Brought]) -> DevicesPage:
    """Return table, sentences and notes of all devices as CSV, Markdown and HTML."""
    table = devices_table(devices)
    tables = {
        MAIN_CAPTION: text_table(table, DEVICES_MAIN),
        MORE_CAPTION: text_table(table[table["images_per_second"].notna()], DEVICES_MORE),
        MACHINES_CAPTION: machines_table(devices),
    }
    if tables[MORE_CAPTION].empty:
        del tables[MORE_CAPTION]
    sentences = [headline(brought), *verdict_lines(brought)]
    notes = [note for device in brought for note in device["notes"]]
    notes += NOTES
    return DevicesPage(
        csv_text(table),
        _markdown(sentences, tables, notes),
        to_page(TITLE, "\n".join(sentences), tables, notes),
    )


def headline(devices: Sequence[Brought]) -> str:
    """Return which model to ship on which devices, in one sentence."""
    models: dict[str | None, list[str]] = {}
    emulated = [device["name"] for device in devices if device["emulated"]]
    for device in devices:
        if not device["emulated"]:
            models.setdefault(device["ship"], []).append(device["name"])
    parts = [
        f"{'ship ' + model if model else 'ship none of the models'} on {shown_names(names)}"
        for model, names in models.items()
    ]
    if emulated:
        parts.append(f"predictions alone of {shown_names(emulated)} (emulated)")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def verdict_lines(devices: Iterable[Brought]) -> list[str]:
    """Return what to ship on each device, and what may be wrong with models there."""
    return [line for device in devices for line in (device["sentence"], *device["warnings"])]


def devices_table(devices: Iterable[Device]) -> pd.DataFrame:
    """Return one row a device and model, with the columns of devices.csv.

    `top1`, `agreement`, `changed_share` and `saturation_changed` are fractions, columns in `_pp`
    percentage points. What was not measured is missing, in a row with a `failure` all of it.
    """
    records = (_record(device, row) for device in devices for row in device["models"])
    counts = dict.fromkeys(("correct", "total", "changed", "threads", "batch_size"), "Int64")
    return make_table(records, DEVICES_CSV).astype(counts)


def _record(device: Device, row: DeviceRow) -> dict[str, Any]:
    images, changed = device["dataset"]["images"], row.get("changed")
    ran = row["failed"] is None
    memory = row["peak_memory_bytes"]
    return {
        "device": device,
        "model": {"name": row["name"]},
        "accuracy": {
            "top1": row["accuracy"],
            "correct": row["correct"],
            "total": images if ran else None,
        },
        "baseline": {"agreement": row["agreement"]},
        "changed": changed,
        "changed_share": None if changed is None else changed / images,
        "saturation": row["saturation"],
        "latency": row["latency"],
        "peak_memory_mib": math.nan if memory is None else memory / 2**20,
        "failure": row["failed"],
    }


def machines_table(devices: Iterable[Device]) -> pd.DataFrame:
    """Return what the devices are, as text."""
    rows = []
    for device in devices:
        machine, settings = device["machine"], device["settings"]
        memory = machine["memory_bytes"]
        gibibytes = "" if memory is None else f"{memory / 2**30:.1f}"
        rows.append(
            {
                "device": device["name"],
                "CPU": machine["cpu"],
                "architecture": machine["architecture"],
                "instructions": ", ".join(machine["isa"]),
                "cores": str(machine["cores"]),
                "memory (GiB)": gibibytes,
                "system": machine["system"],
                "onnxruntime": device["runtime"]["onnxruntime"],
                "provider": settings["provider"].removesuffix("ExecutionProvider"),
                "emulated by": device["emulated"] or "",
                "measured": device["written"][:10],
            }
        )
    table = pd.DataFrame(rows)
    return table.loc[:, (table != "").any()]


def _markdown(
    sentences: Sequence[str], tables: dict[str, pd.DataFrame], notes: Sequence[str]
) -> str:
    parts = [f"# {TITLE}", *map(plain_markdown, sentences)]
    parts += [f"## {caption}\n\n{markdown_table(table)}" for caption, table in tables.items()]
    parts.append("\n".join(f"- {plain_markdown(note)}" for note in notes))
    return "\n\n".join(parts) + "\n"


def speed_cells(models: Iterable[str], device: Brought) -> list[dict[str, float | None]]:
    """Return the speed of each model on a device and the ends of its interval, None where none is.

    The keys are those of the columns of all tables.
    """
    rows = {row["name"]: row["latency"] for row in device["models"]}
    cells = list[dict[str, float | None]]()
    for name in models:
        latency = rows.get(name)
        if latency is None or latency["speedup"] is None:
            cells.append(dict.fromkeys(SPEED_KEYS))
        else:
            cells.append(
                dict(zip(SPEED_KEYS, (latency["speedup"], *latency["speedup_ci95"]), strict=True))
            )
    return cells


def has_speeds(device: Brought) -> bool:
    """Tell whether a model has a speed on the device."""
    return any(row["latency"] and row["latency"]["speedup"] for row in device["models"])
