"""What each draw of calibration images gives: a dot for each draw, a row for each model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ptq_comparison.report.draw_lines import shown_name
from ptq_comparison.report.figures.changes import join
from ptq_comparison.report.figures.style import (
    COLORS,
    EDGE_COLOR,
    FLOAT_COLOR,
    NAME_LETTERS,
    WIDTH,
    set_title,
    shorten,
)
from ptq_comparison.stability.results import RECOMMENDED, Draw, DrawRow
from ptq_comparison.stability.spread import rows_by_model, spread

MOST_NAMED = 3  # models in the title
ROW = 0.62  # inches
BINS = 30  # places of dots along an axis; those of one place lie above each other
STEP = 0.11  # of a row, between dots above each other
MOST_STACKED = 5  # above each other; of more, the steps are smaller


def finding(rows: dict[str, list[DrawRow]]) -> str:
    """Return how far a draw moves each model, or between how many pp it moves many."""
    deviations = {name: spread(row["delta_pp"] for row in found).sd for name, found in rows.items()}
    draws = len(next(iter(rows.values())))
    if len(rows) > MOST_NAMED:
        low, high = min(deviations.values()), max(deviations.values())
        moved = f"moves {len(rows)} models by {low:.2f} to {high:.2f} pp"
    else:
        named = [f"{shorten(name)} by {sd:.2f} pp" for name, sd in deviations.items()]
        moved = f"moves {join(named)}"
    return f"Another draw of calibration images {moved} (standard deviation, {draws} draws)"


def plot_calibration_seeds(draws: Sequence[Draw]) -> Figure:
    """Return the figure; the first draw is that of the run."""
    rows = rows_by_model(draws)
    names = list(rows)
    figure = Figure((WIDTH, 1.9 + ROW * len(names)))
    left, right = figure.subplots(1, 2, sharey=True)
    differences = [[row["delta_pp"] for row in found] for found in rows.values()]
    agreements = [[100 * row["agreement"] for row in found] for found in rows.values()]
    for axes, values in ((left, differences), (right, agreements)):
        _draw_panel(axes, values, names)
    left.axvline(0, color=FLOAT_COLOR, lw=0.8, ls=":", zorder=0)
    left.set(xlabel="difference to float32 (pp)", yticks=range(len(names)))
    left.set_yticklabels([_label(name, found[0]["recipe"]) for name, found in rows.items()])
    left.set_ylim(len(names) - 0.45, -0.55)
    right.set_xlabel("agreement with float32 (%)")
    _add_legend(figure)
    set_title(figure, finding(rows))
    return figure


def _label(model: str, recipe: str) -> str:
    """Return the name of a row; the recommended recipe has its own name below."""
    if model == RECOMMENDED:
        return f"{RECOMMENDED}\n{shorten(recipe, NAME_LETTERS)}"
    return shorten(shown_name(model, recipe), NAME_LETTERS)


def _draw_panel(axes: Any, values: Sequence[Sequence[float]], names: Sequence[str]) -> None:
    every = np.concatenate([np.asarray(each, dtype=np.float64) for each in values])
    low, width = float(every.min()), float(np.ptp(every)) or 1.0
    for place, (name, own) in enumerate(zip(names, values, strict=True)):
        color = "black" if name == RECOMMENDED else COLORS[place % len(COLORS)]
        found = spread(own)
        ends = [found.mean - found.sd, found.mean + found.sd]
        axes.plot(ends, [place + 0.33] * 2, color=color, lw=3, alpha=0.6, solid_capstyle="butt")
        axes.plot(found.mean, place + 0.33, "|", color=color, ms=11, mew=2)
        heights = place - stack((np.asarray(own) - low) / width)
        axes.plot(own, heights, "o", color=color, ms=5, mec="white", mew=0.5, zorder=2)
        axes.plot(own[0], heights[0], "o", mfc="none", mec=EDGE_COLOR, ms=9, mew=1.2, zorder=3)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.1)
    axes.locator_params(axis="x", nbins=4)
    axes.grid(axis="x")


def stack(shares: np.ndarray) -> np.ndarray:
    """Return the heights of dots above their row, float64 (N,), from places along it, 0 to 1.

    Dots of nearly the same place lie above each other, so that all can be counted.
    """
    heights, counts = np.zeros(len(shares)), dict[int, int]()
    bins = np.minimum((shares * BINS).astype(int), BINS - 1)
    for index in np.argsort(shares, kind="stable"):
        heights[index] = counts.setdefault(bins[index], 0)
        counts[bins[index]] += 1
    return heights * STEP * min(1.0, (MOST_STACKED - 1) / max(1.0, float(heights.max())))


def _add_legend(figure: Figure) -> None:
    dot = Line2D([], [], marker="o", color=COLORS[0], ms=5, ls="", label="a draw")
    ring = Line2D([], [], marker="o", mfc="none", mec=EDGE_COLOR, ms=9, ls="", label="of this run")
    bar = Line2D(
        [], [], color=COLORS[0], lw=3, alpha=0.6, marker="|", ms=11, mew=2,
        label="mean and standard deviation",
    )  # fmt: skip
    figure.legend(handles=[dot, ring, bar], loc="outside lower center", ncols=3, fontsize=10)
