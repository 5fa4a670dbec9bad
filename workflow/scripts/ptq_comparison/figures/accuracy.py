"""Accuracy of every model, and the paired difference to float32, with intervals."""

from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ptq_comparison.figures.style import WIDTH, colors, set_title
from ptq_comparison.verdict import is_significant


def finding(evaluations: list[dict[str, Any]]) -> str:
    """Return which quantized models the images tell from float32, and by how much."""
    parts = []
    for evaluation in evaluations[1:]:
        delta, name = evaluation["baseline"]["delta_pp"], evaluation["model"]["name"]
        if is_significant(evaluation):
            parts.append(f"{name} {'loses' if delta < 0 else 'gains'} {abs(delta):.2f} pp")
        else:
            parts.append(f"{name} cannot be told from float32")
    return "; ".join(parts)


def plot_accuracy(evaluations: list[dict[str, Any]]) -> Figure:
    """Return the figure; `evaluations` are those of all models, float32 first."""
    names = [evaluation["model"]["name"] for evaluation in evaluations]
    palette = colors(names)
    figure, (left, right) = plt.subplots(
        1, 2, sharey=True, figsize=(WIDTH, 1.4 + 0.45 * len(names)), width_ratios=(1, 1)
    )
    for row, evaluation in enumerate(evaluations):
        color = palette[names[row]]
        accuracy, baseline = evaluation["accuracy"], evaluation["baseline"]
        _interval(left, row, 100 * accuracy["top1"], [100 * x for x in accuracy["ci95"]], color)
        _label(left, row, 100 * accuracy["top1"], f"{100 * accuracy['top1']:.2f}")
        if baseline:
            _interval(right, row, baseline["delta_pp"], baseline["delta_ci95_pp"], color)
            _label(right, row, baseline["delta_pp"], f"{baseline['delta_pp']:+.2f}")
    left.axvline(100 * evaluations[0]["accuracy"]["top1"], color=palette[names[0]], lw=0.8, ls=":")
    right.axvline(0, color=palette[names[0]], lw=0.8, ls=":")
    left.set(xlabel="top-1 accuracy (%)", yticks=range(len(names)), yticklabels=names)
    left.set_ylim(len(names) - 0.4, -0.7)
    right.set_xlabel("difference to float32 (pp)")
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.12)
    set_title(figure, finding(evaluations))
    return figure


def _interval(axes: Any, row: int, centre: float, limits: list[float], color: str) -> None:
    axes.plot(limits, [row, row], color=color, lw=3, alpha=0.45, solid_capstyle="butt")
    axes.plot(centre, row, "o", color=color, ms=7)


def _label(axes: Any, row: int, centre: float, text: str) -> None:
    axes.annotate(text, (centre, row), (0, 7), textcoords="offset points", ha="center", fontsize=10)
