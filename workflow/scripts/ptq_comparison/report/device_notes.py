"""What may be wrong with models on a device, and what to know of its measurements."""

from collections.abc import Mapping
from typing import Any

from ptq_comparison.common.provider_names import ran_elsewhere
from ptq_comparison.common.texts import cut, shown_names
from ptq_comparison.device.results import Device
from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.report.cells import MARK
from ptq_comparison.report.comparison_notes import saturation_warning

LETTERS = 200  # of the reason why a model does not run
MOST_SATURATED = 3  # models of a device with a warning each


def device_warnings(device: Device, threshold: float) -> list[str]:
    """Return a sentence for what may be wrong with models on a device.

    These are models that do not run, a share of predictions beyond `threshold` that saturation
    changes, and predictions that differ from those of this machine.
    """
    return [*_failed(device), *_saturated(device, threshold), *_changes(device)]


def device_notes(device: Device) -> list[str]:
    """Return what else to know: equal predictions, fallbacks, disturbed times, what is left out."""
    rows = [row for row in device["models"] if row["failed"] is None]
    notes = [f"{device['name']}: {note}" for note in device.get("notes", [])]
    if rows and not any(row["changed"] for row in rows):
        notes.insert(
            0,
            f"{device['name']}: all models that run there predict as on this machine, on "
            f"{device['dataset']['images']:,} images.",
        )
    return [*notes, *_fallbacks(device), *_disturbed(device)]


def _failed(device: Device) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for row in device["models"]:
        if row["failed"] is not None:
            reasons.setdefault(cut(row["failed"], LETTERS).rstrip("."), []).append(row["name"])
    return [
        f"Warning: {shown_names(names)} {'does' if len(names) == 1 else 'do'} not run on "
        f"{device['name']}: {reason}."
        for reason, names in reasons.items()
    ]


def _saturated(device: Device, threshold: float) -> list[str]:
    cpu = f"{device['name']} ({device['machine']['cpu']})"
    warnings = [
        saturation_warning(row["name"], row["saturation"], cpu)
        for row in device["models"]
        if row["saturation"] and (row["saturation"]["changed"] or 0.0) > threshold
    ]
    more = len(warnings) - MOST_SATURATED
    if more > 0:
        several = "another model" if more == 1 else f"{more} more models"
        warnings = warnings[:MOST_SATURATED]
        warnings.append(f"Warning: so it does of {several} there: see results/devices.md.")
    return warnings


def _changes(device: Device) -> list[str]:
    """Return how many predictions are not those of this machine, if any."""
    images = device["dataset"]["images"]
    changed = [
        f"{row['name']} on {row['changed']:,} ({row['changed'] / images:.2%})"
        for row in device["models"]
        if row["changed"]
    ]
    if not changed:
        return []
    return [
        f"On {device['name']} predictions differ from those of this machine, of {images:,} images: "
        f"{shown_names(changed)}."
    ]


def _fallbacks(device: Device) -> list[str]:
    """Return what ran on other execution providers than the one that was asked for."""
    told: dict[str, list[str]] = {}
    for row in device["models"]:
        text = ran_elsewhere(row["executed_by"] or {}, device["settings"]["provider"])
        if text:
            told.setdefault(text, []).append(row["name"])
    return [
        f"{device['name']}: of {shown_names(names)}, {text}, not on "
        f"{device['settings']['provider']}."
        for text, names in told.items()
    ]


def _disturbed(device: Device) -> list[str]:
    disturbed = [
        row["name"]
        for row in device["models"]
        if row["latency"]
        and row["latency"]["speedup"] is not None
        and is_disturbed(row["latency"]["speedup"], row["latency"]["speedup_ci95"])
    ]
    if not disturbed:
        return []
    return [
        f"{MARK} Disturbed by other load on {device['name']}: the 95 % interval of these speeds "
        f"reaches more than 10 % to either side: {shown_names(disturbed)}."
        f"{_load(device['machine'])} Measure there again while nothing else runs."
    ]


def _load(machine: Mapping[str, Any]) -> str:
    """Return load average, governor and heat in sentences, as far as the device told them."""
    loads = [
        f"{value[0]} {when}" for when, value in machine["load_average"].items() if value is not None
    ]
    heat = [
        f"{value:.0f} °C {when}"
        for when, value in machine["temperature_celsius"].items()
        if value is not None
    ]
    text = f" Load average of the last minute: {', '.join(loads)} the measurement." * bool(loads)
    if machine["governor"]:
        text += f" Frequency governor: {machine['governor']}."
    return text + f" Temperature: {', '.join(heat)}." * bool(heat)
