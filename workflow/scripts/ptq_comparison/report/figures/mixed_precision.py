"""Accuracy, size and speed with more and more nodes in float32, a row a node."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ptq_comparison.report.figures.style import (
    COLORS,
    FLOAT_COLOR,
    WIDTH,
    error_lengths,
    set_title,
    shorten,
)
from ptq_comparison.search.results import MixedPrecisionRow, made_rows

MOST_NAMED_STEPS = 50  # steps: with more, the names do not fit below each other
MOST_INCHES = 13.0  # inches that the rows take at most


def finding(rows: list[MixedPrecisionRow], target_drop_pp: float) -> str:
    """Return how many nodes have to stay in float32."""
    made, count = made_rows(rows), rows[0]["nodes_quantized"]
    first, last = made[0], made[-1]
    allowed = f"{-target_drop_pp:g} pp is allowed"
    if last is first and first["nodes_in_float"]:
        return (
            f"{first['nodes_in_float']} of {count} nodes in float32: with fewer it cannot be made; "
            f"{first['delta_pp']:+.2f} pp, and {allowed}"
        )
    if last is first:
        return f"No node has to stay in float32: {first['delta_pp']:+.2f} pp, and {allowed}"
    if not last["nodes_quantized"]:
        return f"The loss is too large as long as any node is in 8 bits: {allowed}"
    return (
        f"{last['nodes_in_float']} of {count} nodes in float32: from "
        f"{first['delta_pp']:+.2f} to {last['delta_pp']:+.2f} pp ({allowed})"
    )


def plot_mixed_precision(rows: list[MixedPrecisionRow], target_drop_pp: float) -> Figure:
    """Return the figure from the rows of mixed_precision.csv; speed is shown where measured.

    Steps that could not be made are left out.
    """
    title, made = finding(rows, target_drop_pp), made_rows(rows)
    places = list(range(len(made)))
    timed = "speedup" in made[0]
    height = 2.1 + min(MOST_INCHES, 0.3 * len(made))
    figure = Figure((WIDTH, height))
    panels = figure.subplots(1, 2 + timed, sharey=True)
    _interval(panels[0], made, "delta_pp", "delta_ci95_low_pp", "delta_ci95_high_pp")
    panels[0].axvline(0, color=FLOAT_COLOR, lw=1, ls=":", label="float32")
    panels[0].axvline(-target_drop_pp, color=COLORS[4], lw=1, ls="--", label="allowed")
    panels[0].set_xlabel("accuracy,\ndifference (pp)")
    # As a difference: so many digits as the sizes of a large model have would not fit side by side.
    size = made[0]["bytes"]
    added = [(row["bytes"] - size) / 1024 for row in made]
    panels[1].plot(added, places, "o-", color=COLORS[0])
    panels[1].set_xlabel(f"size (KiB),\nminus {size / 1024:,.0f}")
    if timed:
        _interval(panels[2], made, "speedup", "speedup_ci95_low", "speedup_ci95_high")
        panels[2].axvline(1, color=FLOAT_COLOR, lw=1, ls=":")
        panels[2].set_xlabel("speed\n(float32 is 1)")
    for axes in panels:
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=9)
        axes.locator_params(axis="x", nbins=3)
        axes.margins(x=0.15)
        axes.grid()
    panels[1].locator_params(axis="x", nbins=2)
    panels[0].set_ylim(len(made) - 0.4, -0.6)
    if len(made) <= MOST_NAMED_STEPS:
        panels[0].set_yticks(places, [_name(row) for row in made], fontsize=8)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    set_title(figure, title)
    return figure


def _name(row: MixedPrecisionRow) -> str:
    step = row["nodes_in_float"]
    return f"{step}: + {shorten(row['node'])}" if step else "no node in float32"


def _interval(axes: Any, rows: list[Any], *keys: str) -> None:
    """Draw a value with its lower and upper limit in each row; `keys` are theirs in this order."""
    values, low, high = np.array([[row[key] for row in rows] for key in keys])
    places, lengths = range(len(rows)), error_lengths(values, low, high)
    axes.errorbar(values, places, xerr=lengths, fmt="none", color=COLORS[0], alpha=0.45, lw=3)
    axes.plot(values, places, "o-", color=COLORS[0])
