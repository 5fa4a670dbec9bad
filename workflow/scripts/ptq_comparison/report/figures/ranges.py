"""The range of each activation tensor, and how much of its grid its values use."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ptq_comparison.report.figures.style import COLORS, WIDTH, set_title, shorten

MOST_TENSORS = 60  # tensors; of more, those that use least of their grid
TENSOR_LETTERS = 24  # of a tensor's name


def finding(activations: list[dict[str, Any]]) -> str:
    """Return which tensor uses least of its grid."""
    least = min(activations, key=lambda row: row["share"])
    median = 100 * np.median([row["share"] for row in activations])
    used = round(least["share"] * least["grid"])
    return (
        f"99 % of {shorten(least['tensor'], TENSOR_LETTERS)} lie in {used} of "
        f"{least['grid']} levels; "
        # No line may begin with the percent sign.
        f"the median tensor uses {median:.0f}\N{NO-BREAK SPACE}% of its grid"
    )


def select(activations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tensors to show, in the given order: those that use least of their grid."""
    least = sorted(range(len(activations)), key=lambda n: activations[n]["share"])[:MOST_TENSORS]
    return [activations[n] for n in sorted(least)]


def plot_ranges(activations: list[dict[str, Any]]) -> Figure:
    """Return the figure from the content of activations.json."""
    shown, size = select(activations), activations[0]["grid"]
    figure = Figure((WIDTH, 1.7 + 0.23 * len(shown)))
    axes = figure.subplots()
    right = axes.twinx()
    for place, row in enumerate(shown):
        low, median, high = row["levels"]
        axes.barh(place, size, left=-0.5, color="#eeeeee", height=0.75)
        axes.barh(place, high - low + 1, left=low - 0.5, color=COLORS[0], height=0.75)
        axes.plot([row["zero_level"]] * 2, [place - 0.38, place + 0.38], color="black", lw=1.5)
        axes.plot(median, place, "o", color="white", mec="black", mew=0.6, ms=4.5, clip_on=False)
    for side, labels in (
        (axes, [shorten(row["tensor"], TENSOR_LETTERS) for row in shown]),
        (right, [_describe(row) for row in shown]),
    ):
        side.set_yticks(range(len(shown)), labels, fontsize=10)
        side.tick_params(axis="y", length=0)
        side.set(xlim=(-1, size), ylim=(len(shown) - 0.4, -0.6))
        side.spines[:].set_visible(False)
    axes.set(xticks=[0, size // 4, size // 2, 3 * size // 4, size - 1], xlabel="level of the grid")
    right.set_title(" used  range", fontsize=10, x=1, ha="left")
    figure.legend(
        handles=[
            Patch(color=COLORS[0], label="99 % of the values"),
            Line2D([], [], color="black", ls="", marker="|", ms=10, mew=1.5, label="0"),
            Line2D([], [], color="white", ls="", marker="o", mec="black", ms=5, label="median"),
        ],
        loc="outside lower center",
        ncols=3,
    )
    left_out = len(activations) - len(shown)
    note = f"\n({left_out} tensors that use more are left out)" if left_out else ""
    set_title(figure, finding(activations) + note)
    return figure


def _describe(row: dict[str, Any]) -> str:
    share = f"{row['share']:.0%}".rjust(4, "\N{FIGURE SPACE}")
    return f"{share}  {row['low']:.3g} to {row['high']:.3g}"
