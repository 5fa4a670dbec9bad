"""The range of each activation tensor, and how much of its grid its values use."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ptq_comparison.report.figures.style import (
    COLORS,
    WIDTH,
    left_out,
    set_title,
    shorten,
)

MOST_TENSORS = 60  # tensors; of more, those that use least of their grid
TENSOR_LETTERS = 24  # of a tensor's name
RANGE = ("low", "high", "grid", "zero_level")
# Operators that pass values on: their output may have the range of their input.
PASSING = frozenset(
    {
        "Clip", "Concat", "DepthToSpace", "Dropout", "Expand", "Flatten", "Gather", "Identity",
        "MaxPool", "Pad", "Relu", "Reshape", "Resize", "Slice", "SpaceToDepth", "Split", "Squeeze",
        "Tile", "Transpose", "Unsqueeze", "Upsample",
    }
)  # fmt: skip


class Shown(NamedTuple):
    """A row of activations.json, and how many tensors behind it have the same range."""

    row: dict[str, Any]
    more: int


def merge(activations: list[dict[str, Any]]) -> list[Shown]:
    """Return each tensor once: those that are the same stand behind the first one.

    The same are those whose numbers all are, and those of the same range and zero point behind an
    operator that passes values on.
    """
    merged: list[Shown] = []
    for row in activations:
        for place, (first, more) in enumerate(merged):
            same_range = all(first[key] == row[key] for key in RANGE)
            if same_range and (row["op_type"] in PASSING or first["levels"] == row["levels"]):
                merged[place] = Shown(first, more + 1)
                break
        else:
            merged.append(Shown(row, 0))
    return merged


def finding(activations: list[dict[str, Any]]) -> str:
    """Return which tensor uses least of its grid, of the calibration images."""
    activations = [shown.row for shown in merge(activations)]
    least = min(activations, key=lambda row: row["share"])
    median = 100 * np.median([row["share"] for row in activations])
    used = round(least["share"] * least["grid"])
    return (
        f"99 % of {shorten(least['tensor'], TENSOR_LETTERS)} lie in {used} of "
        f"{least['grid']} levels; "
        # No line may begin with the percent sign.
        f"the median tensor uses {median:.0f}\N{NO-BREAK SPACE}% of its grid"
    )


def select(tensors: list[Shown]) -> list[Shown]:
    """Return the tensors to show, in the given order: those that use least of their grid."""
    least = sorted(range(len(tensors)), key=lambda n: tensors[n].row["share"])[:MOST_TENSORS]
    return [tensors[n] for n in sorted(least)]


def plot_ranges(activations: list[dict[str, Any]]) -> Figure:
    """Return the figure from the content of activations.json."""
    tensors = merge(activations)
    shown, size = select(tensors), activations[0]["grid"]
    figure = Figure((WIDTH, 1.7 + 0.23 * len(shown)))
    axes = figure.subplots()
    right = axes.twinx()
    for place, (row, _) in enumerate(shown):
        low, median, high = row["levels"]
        axes.barh(place, size, left=-0.5, color="#eeeeee", height=0.75)
        axes.barh(place, high - low + 1, left=low - 0.5, color=COLORS[0], height=0.75)
        axes.plot([row["zero_level"]] * 2, [place - 0.38, place + 0.38], color="black", lw=1.5)
        axes.plot(median, place, "o", color="white", mec="black", mew=0.6, ms=4.5, clip_on=False)
    for side, labels in (
        (axes, [_name(tensor) for tensor in shown]),
        (right, [_describe(tensor.row) for tensor in shown]),
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
    hidden = sum(1 + tensor.more for tensor in tensors) - sum(1 + tensor.more for tensor in shown)
    notes = left_out(hidden, "tensor that uses more", "tensors that use more")
    set_title(figure, finding(activations), *notes)
    return figure


def _name(tensor: Shown) -> str:
    more = f" (and {tensor.more} more)" if tensor.more else ""
    return f"{shorten(tensor.row['tensor'], TENSOR_LETTERS - len(more))}{more}"


def _describe(row: dict[str, Any]) -> str:
    share = f"{row['share']:.0%}".rjust(4, "\N{FIGURE SPACE}")
    return f"{share}  {row['low']:.3g} to {row['high']:.3g}"
