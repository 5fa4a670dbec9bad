"""Accuracy of every model, and the paired difference to float32, with intervals."""

from typing import Any

from matplotlib.figure import Figure

from ptq_comparison.evaluation.evaluate import Evaluation, of_quantized
from ptq_comparison.report.figures.changes import join, models_told_apart
from ptq_comparison.report.figures.style import (
    FLOAT_COLOR,
    NAME_LETTERS,
    WIDTH,
    colors,
    set_title,
    shorten,
)

TEST = "exact McNemar, Holm"
MOST_NAMED_MODELS = 4  # quantized models: of more, the title counts


def finding(evaluations: list[Evaluation]) -> str:
    """Return which quantized models the images tell from float32, and by how much."""
    return f"{differences(evaluations)} ({TEST})"


def differences(evaluations: list[Evaluation]) -> str:
    """Return the finding without its test."""
    equal: list[Evaluation] = []
    other: list[Evaluation] = []
    for evaluation, differs in zip(evaluations[1:], models_told_apart(evaluations), strict=True):
        (other if differs else equal).append(evaluation)
    deltas = [of_quantized(evaluation["baseline"])["delta_pp"] for evaluation in other]
    if len(evaluations) - 1 > MOST_NAMED_MODELS:
        if not equal:
            return f"All {len(other)} models differ, by {min(deltas):+.2f} to {max(deltas):+.2f} pp"
        told = other and f"; others differ by {min(deltas):+.2f} to {max(deltas):+.2f} pp"
        return (
            f"{len(equal)} of {len(evaluations) - 1} models cannot be told from float32{told or ''}"
        )
    parts = [
        f"{shorten(evaluation['model']['name'])} {'loses' if delta < 0 else 'gains'} "
        f"{abs(delta):.2f} pp"
        for evaluation, delta in zip(other, deltas, strict=True)
    ]
    if equal:
        names = [shorten(evaluation["model"]["name"]) for evaluation in equal]
        parts.append(f"{join(names)} cannot be told from float32")
    return "; ".join(parts)


def plot_accuracy(evaluations: list[Evaluation]) -> Figure:
    """Return the figure; `evaluations` are those of all models, float32 first."""
    names = [evaluation["model"]["name"] for evaluation in evaluations]
    palette = colors(names)
    figure = Figure((WIDTH, 1.4 + 0.45 * len(names)))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1))
    for row, evaluation in enumerate(evaluations):
        color = palette[names[row]]
        accuracy, baseline = evaluation["accuracy"], evaluation["baseline"]
        _interval(left, row, 100 * accuracy["top1"], [100 * x for x in accuracy["ci95"]], color)
        _label(left, row, 100 * accuracy["top1"], f"{100 * accuracy['top1']:.2f}")
        if baseline:
            _interval(right, row, baseline["delta_pp"], baseline["delta_ci95_pp"], color)
            _label(right, row, baseline["delta_pp"], f"{baseline['delta_pp']:+.2f}")
    left.axvline(
        100 * evaluations[0]["accuracy"]["top1"], color=FLOAT_COLOR, lw=0.8, ls=":", zorder=1
    )
    right.axvline(0, color=FLOAT_COLOR, lw=0.8, ls=":", zorder=1)
    left.set(
        xlabel="top-1 accuracy (%)",
        yticks=range(len(names)),
        yticklabels=[shorten(name, NAME_LETTERS) for name in names],
    )
    left.set_ylim(len(names) - 0.4, -0.7)
    right.set_xlabel("difference to float32 (pp)")
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.12)
        axes.locator_params(axis="x", nbins=4)
    set_title(figure, finding(evaluations))
    return figure


def _interval(axes: Any, row: int, centre: float, limits: list[float], color: str) -> None:
    axes.plot(limits, [row, row], color=color, lw=3, alpha=0.45, solid_capstyle="butt")
    axes.plot(centre, row, "o", color=color, ms=7)


def _label(axes: Any, row: int, centre: float, text: str) -> None:
    axes.annotate(
        text,
        (centre, row),
        (0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=10,
        bbox={"boxstyle": "square,pad=0.1", "color": "white"},
        zorder=1.5,  # over the line of float32, under the discs
    )
