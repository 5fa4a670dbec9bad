"""The range of each activation tensor, and how much of the 8-bit grid its values use."""

from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ptq_comparison.activations import LEVELS
from ptq_comparison.figures.style import QUANTIZED, WIDTH, set_title, shorten

SHOWN = 60  # tensors; of more, those that use least of their grid


def finding(activations: list[dict[str, Any]]) -> str:
    """Return which tensor uses least of its grid."""
    least = min(activations, key=lambda row: row["share"])
    return (
        f"99 % of {shorten(least['tensor'])} lie in {round(least['share'] * LEVELS)} of {LEVELS} "
        f"levels; the median tensor uses "
        f"{np.median([row['share'] for row in activations]):.0%} of its grid"
    )


def plot_ranges(activations: list[dict[str, Any]]) -> Figure:
    """Return the figure from the content of activations.json."""
    if len(activations) > SHOWN:
        bound = sorted(row["share"] for row in activations)[SHOWN - 1]
        shown = [row for row in activations if row["share"] <= bound][:SHOWN]
    else:
        shown = activations
    figure, axes = plt.subplots(figsize=(WIDTH, 1.8 + 0.23 * len(shown)))
    for place, row in enumerate(shown):
        low, median, high = row["levels"]
        axes.barh(place, LEVELS, left=-0.5, color="#eeeeee", height=0.75)
        axes.barh(place, high - low + 1, left=low - 0.5, color=QUANTIZED[0], height=0.75)
        axes.plot([row["zero_level"]] * 2, [place - 0.38, place + 0.38], color="black", lw=1.5)
        axes.plot(median, place, "o", color="white", mec="black", mew=0.6, ms=4)
        axes.text(
            LEVELS + 4,
            place,
            f"{row['share']:.0%}  [{row['low']:.3g}, {row['high']:.3g}]",
            va="center",
            fontsize=8,
        )
    axes.set_yticks(range(len(shown)))
    axes.set_yticklabels(
        [f"{shorten(row['tensor'])} ({row['op_type']})" for row in shown], fontsize=8
    )
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(-1, LEVELS + 95), ylim=(len(shown) - 0.4, -0.6), xticks=[0, 64, 128, 192, 255])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel(
        "level of the grid: blue holds 99 % of the values, | is 0, o the median\n"
        "right: share of the grid in blue, and [range]",
        loc="left",
    )
    left_out = len(activations) - len(shown)
    note = f"\n({left_out} tensors that use more are left out)" if left_out else ""
    set_title(figure, finding(activations) + note)
    return figure
