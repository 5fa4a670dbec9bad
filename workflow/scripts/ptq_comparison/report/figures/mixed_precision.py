"""Accuracy, size and speed with more and more nodes in float32, a row a step."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.report.figures.style import (
    COLORS,
    FLOAT_COLOR,
    LINE_HEIGHT,
    TITLE_MARGIN,
    WIDTH,
    error_lengths,
    set_title,
    shorten,
    wrap,
)
from ptq_comparison.search.results import MixedPrecisionRow, made_rows

MOST_NAMED_STEPS = 50  # steps: with more, the names do not fit below each other
MOST_INCHES = 13.0  # inches that the rows take at most


def finding(rows: list[MixedPrecisionRow]) -> str:
    """Return how many nodes are left in float32, and what that brings, as measured."""
    made, count = made_rows(rows), rows[0]["nodes_quantized"]
    first = made[0]
    auto = next((row for row in made if row["is_auto"]), made[-1])
    if auto is first and first["nodes_in_float"]:
        return (
            f"{first['nodes_in_float']} of {count} nodes in float32: with fewer it cannot be made; "
            f"{_loss(first)}"
        )
    if auto is first:
        return f"All {count} nodes in 8 bits: {_loss(first)}"
    return (
        f"{auto['nodes_in_float']} of {count} nodes in float32: {_loss(auto)} instead of "
        f"{first['delta_pp']:+.2f} pp; agreement {auto['agreement']:.2%} instead of "
        f"{first['agreement']:.2%}"
    )


def _loss(row: Any) -> str:
    low, high = row["delta_ci95_low_pp"], row["delta_ci95_high_pp"]
    return f"{row['delta_pp']:+.2f} pp (95 %: {low:+.2f} to {high:+.2f})"


def plot_mixed_precision(rows: list[MixedPrecisionRow], *notes: str) -> Figure:
    """Return the figure from the rows of mixed_precision.csv; speed is shown where measured.

    Steps that could not be made are left out. A single step is a sentence, not a plot. `notes`
    stand with the title.
    """
    title, made = finding(rows), made_rows(rows)
    if len(made) == 1:
        return _write_sentence(title, made[0], notes)
    places = list(range(len(made)))
    timed = "speedup" in made[0]
    height = 2.1 + min(MOST_INCHES, 0.3 * len(made))
    figure = Figure((WIDTH, height))
    panels = figure.subplots(1, 2 + timed, sharey=True)
    _interval(panels[0], made, "delta_pp", "delta_ci95_low_pp", "delta_ci95_high_pp")
    panels[0].axvline(0, color=FLOAT_COLOR, lw=1, ls=":", label="float32")
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
    set_title(figure, title, *notes)
    return figure


def _write_sentence(title: str, row: Any, notes: Sequence[str]) -> Figure:
    """Return a figure that tells of a single step in words."""
    nodes = row["nodes_in_float"]
    floats = f"{nodes} node{'s' * (nodes > 1)} in float32" if nodes else "no node in float32"
    sentence = (
        f"There is one step, so there is no curve: with {floats}, the accuracy on the validation "
        f"images differs from that of float32 by {_loss(row)}, and the file has "
        f"{row['bytes'] / 1024:,.0f} KiB"
    )
    if row.get("speedup") is not None:
        low, high = row["speedup_ci95_low"], row["speedup_ci95_high"]
        sentence += f", at {row['speedup']:.2f} times the speed (95 %: {low:.2f} to {high:.2f})"
        if is_disturbed(row["speedup"], (low, high)):
            sentence += ", which other load disturbed"
    font = FontProperties(size=11)
    text = wrap(f"{sentence}.", font)
    lines = text.count("\n") + 1
    figure = Figure((WIDTH, 0.9 + LINE_HEIGHT * lines))
    figure.text(TITLE_MARGIN, 0.05, text, va="bottom", fontproperties=font)
    set_title(figure, title, *notes)
    return figure


def _name(row: MixedPrecisionRow) -> str:
    step = row["nodes_in_float"]
    name = f"{step}: + {shorten(row['node'])}" if step else "the recipe itself"
    return f"{name} (auto)" if row["is_auto"] else name


def _interval(axes: Any, rows: list[Any], *keys: str) -> None:
    """Draw a value with its lower and upper limit in each row; `keys` are theirs in this order."""
    values, low, high = np.array([[row[key] for row in rows] for key in keys])
    places, lengths = range(len(rows)), error_lengths(values, low, high)
    axes.errorbar(values, places, xerr=lengths, fmt="none", color=COLORS[0], alpha=0.45, lw=3)
    axes.plot(values, places, "o-", color=COLORS[0])
