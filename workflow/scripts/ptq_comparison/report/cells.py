"""Cells of tables that hold several values; without pandas, which takes half a second to load.

A row is a mapping with the keys of `columns.COMPARISON_CSV`; its values are numbers, or the texts
of a CSV file. A missing one is None, NaN or an empty text.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ptq_comparison.evaluation.disturbance import is_disturbed

Row = Mapping[str, Any]

MARK = "*"  # of a speed that was disturbed


class Combined(NamedTuple):
    """A column whose cells hold several values: its heading, and the text of a row."""

    heading: str
    text: Callable[[Row], str]


def number(row: Row, key: str) -> float:
    """Return a value of a row, NaN where it is missing."""
    value = row.get(key)
    return math.nan if value is None or value == "" else float(value)


def formatted(row: Row, key: str, format: str) -> str:
    """Return a value as text, empty where it is missing."""
    value = number(row, key)
    return "" if math.isnan(value) else f"{value:{format}}"


def was_disturbed(row: Row) -> bool:
    """Tell whether other load disturbed the speed of a row; False where it has none."""
    limits = [number(row, "speedup_ci95_low"), number(row, "speedup_ci95_high")]
    return is_disturbed(number(row, "speedup"), limits)


def with_interval(row: Row, key: str, low: str, high: str, format: str) -> str:
    """Return a value and its interval, or the value alone where it has none."""
    text = formatted(row, key, format)
    limits = [formatted(row, limit, format) for limit in (low, high)]
    compared = all(limits) and number(row, low) < number(row, high)
    return f"{text} ({limits[0]} to {limits[1]})" if compared else text


def difference(row: Row) -> str:
    """Return the difference to float32 in percentage points, as `-0.12 (-0.31 to +0.06)`."""
    return with_interval(row, "delta_pp", "delta_ci95_low_pp", "delta_ci95_high_pp", "+.2f")


def agreement(row: Row) -> str:
    """Return the agreement with float32, as `98.89% (98.66% to 99.08%)` or without an interval."""
    return with_interval(row, "agreement", "agreement_ci95_low", "agreement_ci95_high", ".2%")


def speed(row: Row) -> str:
    """Return the speed against float32, as `0.76 (0.71 to 0.80)`, marked if it was disturbed."""
    text = with_interval(row, "speedup", "speedup_ci95_low", "speedup_ci95_high", ".2f")
    return f"{text} {MARK}" if was_disturbed(row) else text


def correct(row: Row) -> str:
    """Return how many images a model gets right, as `9,249 of 10,000`."""
    right, total = formatted(row, "correct", ",.0f"), formatted(row, "total", ",.0f")
    return f"{right} of {total}" if right else ""


def saturated(row: Row) -> str:
    """Return what saturation changes, as `3.34% (-1.18 pp)`."""
    changed = formatted(row, "saturation_changed", ".2%")
    lost = formatted(row, "saturation_pp", "+.2f")
    return f"{changed} ({lost} pp)" if changed and lost else ""


def changed(row: Row) -> str:
    """Return how many predictions differ from those of this machine, as `3 (0.60%)`."""
    count, share = formatted(row, "changed", ",.0f"), formatted(row, "changed_share", ".2%")
    return f"{count} ({share})" if count else ""


def device(row: Row) -> str:
    """Return the name of a device, with a mark of an emulated one."""
    emulated = isinstance(row["emulated"], str) and row["emulated"]
    return f"{row['device']} (emulated)" if emulated else str(row["device"])


# By the column of the first value.
COMBINED = {
    "delta_pp": Combined("difference (95 % interval)", difference),
    "agreement": Combined("agreement", agreement),
    "correct": Combined("correct", correct),
    "device": Combined("device", device),
    "changed": Combined("changed", changed),
    "saturation_changed": Combined("saturated", saturated),
    "speedup": Combined("speed", speed),
}
