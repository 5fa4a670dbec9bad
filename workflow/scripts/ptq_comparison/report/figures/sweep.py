"""All recipes: predictions unlike float32 against speed, or against size without speeds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.report.figures.marks import Mark, gather
from ptq_comparison.report.figures.style import (
    COLORS,
    EDGE_COLOR,
    FLOAT_COLOR,
    WIDTH,
    left_out,
    letters_on,
    set_title,
    shorten,
)
from ptq_comparison.report.sweep import made_recipes
from ptq_comparison.search.selection import Constraints, asked_limits, misses, pareto_front, select

# The recommended recipe, the others of the Pareto front, and the rest; the most important first.
COLOR = {"chosen": "black", "front": COLORS[0], "other": "#d0d0d0"}
EXPLANATIONS = {
    "front": "blue: no other recipe is better in agreement, speed and size at once",
    "other": "other recipes (\N{MULTIPLICATION SIGN}: so many, of nearly the same place)",
}
MOST_STRETCHED = 1.3  # multiple of the highest speed that the axis reaches for an interval
RADIUS = 8.0  # of a mark, points; marks are two of them apart
MOST_NAMED = 20  # recipes of the Pareto front below the figure
NAME_LETTERS = 34  # of a recipe below the figure
DISTURBED = "bars: speeds that other load disturbed, with their 95 % intervals"


Agreements = Mapping[str, np.ndarray] | None


def choose(table: pd.DataFrame, constraints: Constraints, agrees: Agreements = None) -> int | None:
    """Return the row of the recipe that rule select_recipe chooses; None where none is allowed.

    `table` holds the recipes that could be made; `agrees` is that of `select`.
    """
    try:
        return select(table, constraints, agrees=agrees)[0]
    except UserError:
        return None


def finding(
    table: pd.DataFrame,
    constraints: Constraints,
    agrees: Agreements = None,
    device: str | None = None,
) -> str:
    """Return which recipe is recommended, of how many, and what was measured of it."""
    chosen = choose(table, constraints, agrees)
    limits = [f"{key} {limit:g}" for key, limit in asked_limits(constraints).items()]
    asked = f"meets {', '.join(limits)}" if limits else "is asked to meet a constraint"
    if chosen is None:
        return f"None of {len(table)} recipes {asked}"
    row = table.loc[chosen]
    allowed = int((misses(table, constraints) == 0).all(axis=1).sum())
    speed = f", {row['speedup']:.2f} times the speed" if pd.notna(row["speedup"]) else ""
    if speed and device:
        speed += f" on {shorten(device)}"
    return (
        f"{shorten(row['recipe'])} is recommended: it agrees with float32 on "
        f"{row['agreement']:.2%} of {row['total']:,} validation images{speed}; {allowed} of "
        f"{len(table)} recipes {'meets' if allowed == 1 else 'meet'} the constraints"
    )


def plot_sweep(
    table: pd.DataFrame,
    constraints: Constraints,
    agrees: Agreements = None,
    *further: str,
    device: str | None = None,
) -> Figure:
    """Return the figure, from the content of sweep.csv and the section `recommend` of the config.

    `agrees` tells by recipe on which validation images it agrees with float32, bool (N,).

    The recommended recipe and those of the Pareto front have numbers, with their names below; all
    others are grey. Recipes that could not be made are left out, and where speed was measured,
    those without one. `further` notes stand with the title. Speeds are those of a `device`, or of
    this machine.
    """
    table = made_recipes(table)
    chosen = choose(table, constraints, agrees)
    title = finding(table, constraints, agrees, device)
    timed = bool(table["speedup"].notna().any())
    rows, kinds = _arrange(table, chosen, timed)
    x = (rows["speedup"] if timed else rows["bytes"] / 1024).to_numpy()
    # On a logarithmic scale, upside down: the best recipes differ by tenths of a percent.
    y = 100 * np.maximum(1 - rows["agreement"], 0.5 / rows["total"]).to_numpy()
    speeds = [_speed(row) for _, row in rows.iterrows()]
    disturbed = np.array([timed and is_disturbed(*speed) for speed in speeds])
    listed = len(kinds) - kinds.count("other")
    named = min(listed, MOST_NAMED)
    figure = Figure((WIDTH, 4.4 + 0.19 * named))
    axes = figure.subplots()
    widest = max([speeds[n][1][1] for n in np.flatnonzero(disturbed)], default=0.0)
    # A bar that would make the marks one column may leave the axes.
    _set_axes(axes, max(x.max(), min(widest, MOST_STRETCHED * x.max())), y, timed)
    entries = [_describe(rows.iloc[n], kinds[n]) for n in range(named)]
    explained = [kind for kind in list(COLOR)[1:] if kind in kinds]
    if device and timed:
        axes.set_xlabel(f"speed on {shorten(device)}, as a multiple of float32")
    legend = figure.legend(
        [_handle(kind) for kind in (*kinds[:named], *explained)],
        [*entries, *(EXPLANATIONS[kind] for kind in explained)],
        loc="outside lower left",
        fontsize=9,
        handletextpad=0.3,
    )
    notes = [
        *[DISTURBED] * bool(disturbed.any()),
        *left_out(len(table) - len(rows), "recipe without a speed", "recipes without a speed"),
        *left_out(listed - named, "name of a recipe in blue", "names of recipes in blue"),
    ]
    set_title(figure, title, *notes, *further)
    figure.draw_without_rendering()  # which marks are near each other depends on the layout
    places = axes.transData.transform(np.column_stack([x, y])) * 72 / figure.dpi
    for mark in gather(places, 2 * RADIUS):
        n = mark.row
        _draw(axes, (x[n], y[n]), kinds[n], _label(mark, named))
        for row in [row for row in mark.rows if disturbed[row]][:1]:
            axes.plot(speeds[row][1], [y[n]] * 2, color=EDGE_COLOR, lw=1.2, zorder=2)
        unnamed = sum(row >= named for row in mark.rows)
        for row in [row for row in mark.rows if row < named]:
            at = f" (at {n + 1})" if row != n else f" (over {unnamed} more)" * bool(unnamed)
            legend.get_texts()[row].set_text(f"{row + 1}  {entries[row]}{at}")
    return figure


def _arrange(
    table: pd.DataFrame, chosen: int | None, timed: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows to show, the most important first, and the kind of each, a key of COLOR."""
    rows = table[table["speedup"].notna()] if timed else table
    is_front = rows["recipe"].isin(pareto_front(table))
    ranks = np.where(rows.index == chosen, 0, np.where(is_front, 1, 2))
    kinds = [list(COLOR)[rank] for rank in sorted(ranks)]
    return rows.iloc[np.argsort(ranks, kind="stable")], kinds


def _label(mark: Mark, named: int) -> str:
    """Return the number of a recipe that is named, else how many recipes the mark stands for."""
    if mark.row < named:
        return str(mark.row + 1)
    return f"\N{MULTIPLICATION SIGN}{len(mark.rows)}" if len(mark.rows) > 1 else ""


def _draw(axes: Any, place: tuple[float, float], kind: str, label: str) -> None:
    axes.plot(*place, **_look(kind, 2 * RADIUS), zorder=3, clip_on=False)
    color = letters_on(COLOR[kind])
    axes.annotate(label, place, ha="center", va="center", fontsize=8, color=color, zorder=4)


def _set_axes(axes: Any, largest: float, y: np.ndarray, timed: bool) -> None:
    """Set scales and limits, with room for the marks and at least one label on each axis."""
    if timed:
        axes.axvline(1, color=FLOAT_COLOR, lw=0.8, ls=":")
    axes.set_xlabel("speed, as a multiple of float32" if timed else "size (KiB)")
    axes.set_ylabel("predictions unlike float32 (%)")
    axes.set_yscale("log")
    # Labels at 1, 2, 5, ... are 2.5 apart at most.
    room = max(1.6, (y.max() / y.min()) ** 0.08)
    axes.set_ylim(y.max() * room, y.min() / room)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(0, 1.08 * max(largest, float(timed)))
    axes.grid()


def _speed(row: pd.Series) -> tuple[float, list[float]]:
    return row["speedup"], [row["speedup_ci95_low"], row["speedup_ci95_high"]]


def _look(kind: str, size: float) -> dict[str, Any]:
    """Return how a mark is drawn: the recommended recipe is a square, the others are discs."""
    return {
        "marker": "s" if kind == "chosen" else "o",
        "color": COLOR[kind],
        "ms": size,
        "mec": "white",
        "mew": 0.8,
        "ls": "",
    }


def _handle(kind: str) -> Line2D:
    return Line2D([], [], **_look(kind, RADIUS))


def _describe(row: pd.Series, kind: str) -> str:
    """Return the line of a recipe below the figure."""
    speed = f", {row['speedup']:.2f}x" if pd.notna(row["speedup"]) else ""
    what = ", recommended" if kind == "chosen" else ""
    return (
        f"{shorten(row['recipe'], NAME_LETTERS)}: {row['agreement']:.2%}{speed}, "
        f"{row['bytes'] / 1024:,.0f} KiB{what}"
    )
