"""Accuracy against throughput and size of every model."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.evaluation.results import LatencyRow
from ptq_comparison.report.figures.style import (
    NAME_LETTERS,
    WIDTH,
    add_legend,
    colors,
    error_lengths,
    markers,
    set_title,
    shorten,
)
from ptq_comparison.report.references import candidates
from ptq_comparison.report.verdict import describe_setting, verdict

LARGEST_DISC = 1200  # area of the disc of the largest model, square points


def plot_tradeoff(evaluations: list[Evaluation], speeds: Mapping[str, LatencyRow]) -> Figure:
    """Return the figure; `evaluations` are those of all models, float32 first.

    The abscissa is throughput, from `speeds`, the rows of latency.json by model; where none was
    measured it is size.
    """
    names = [evaluation["model"]["name"] for evaluation in evaluations]
    palette, shapes = colors(names), markers(names)
    sizes = [evaluation["model"]["bytes"] for evaluation in evaluations]
    rows = (len(names) + 1) // 2  # of the legend
    figure = Figure((WIDTH, 3.9 + 0.25 * rows))
    axes = figure.subplots()
    for evaluation, size in zip(evaluations, sizes, strict=True):
        name = evaluation["model"]["name"]
        top1, (low, high) = evaluation["accuracy"]["top1"], evaluation["accuracy"]["ci95"]
        place = speeds[name]["images_per_second"] if speeds else size / 1024
        axes.errorbar(
            place,
            100 * top1,
            error_lengths([100 * top1], [100 * low], [100 * high]),
            color=palette[name],
            lw=1.5,
            capsize=4,
        )
        # In a legend, since the names of models of one speed would cover each other.
        label = f"{shorten(name, NAME_LETTERS)}: {size / 1024:,.0f} KiB"
        label += f", {speeds[name]['speedup']:.2f}x" if speeds else ""
        axes.plot(place, 100 * top1, shapes[name], color=palette[name], ms=7, ls="", label=label)
        area = LARGEST_DISC * size / max(sizes)
        axes.scatter(place, 100 * top1, area, palette[name], alpha=0.35, lw=0, zorder=1)
    setting = describe_setting(next(iter(speeds.values()))) if speeds else ""
    axes.set_xlabel(f"images a second ({setting})" if speeds else "size (KiB)")
    axes.set_ylabel("top-1 accuracy (%)")
    axes.margins(x=0.12, y=0.1)
    axes.grid()
    add_legend(figure)
    set_title(figure, verdict(candidates(evaluations), speeds).rstrip("."))
    return figure
