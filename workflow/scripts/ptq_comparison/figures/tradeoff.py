"""What is won and what it costs: accuracy against throughput, and size."""

from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ptq_comparison.figures.style import WIDTH, colors, set_title
from ptq_comparison.verdict import verdict

LARGEST = 1200  # area of the marker of the largest model, square points


def plot_tradeoff(evaluations: list[dict[str, Any]], speeds: dict[str, dict[str, Any]]) -> Figure:
    """Return the figure; `evaluations` are those of all models, float32 first.

    The abscissa is throughput, from `speeds`, the rows of latency.json by model; where none was
    measured it is size.
    """
    names = [evaluation["model"]["name"] for evaluation in evaluations]
    palette = colors(names)
    sizes = [evaluation["model"]["bytes"] for evaluation in evaluations]
    figure, axes = plt.subplots(figsize=(WIDTH, 4.3))
    for evaluation, size in zip(evaluations, sizes, strict=True):
        name = evaluation["model"]["name"]
        top1, (low, high) = evaluation["accuracy"]["top1"], evaluation["accuracy"]["ci95"]
        place = speeds[name]["images_per_second"] if speeds else size / 1024
        axes.errorbar(
            place,
            100 * top1,
            [[100 * (top1 - low)], [100 * (high - top1)]],
            color=palette[name],
            lw=1.5,
            capsize=4,
        )
        axes.scatter(
            place, 100 * top1, LARGEST * size / max(sizes), palette[name], alpha=0.55, zorder=2
        )
        share = f", {size / sizes[0]:.0%}" if size != sizes[0] else ""
        axes.annotate(
            f"{name}\n{size / 1024:,.0f} KiB{share}",
            (place, 100 * high),
            (0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=10,
        )
    row = next(iter(speeds.values()), None)
    axes.set_xlabel(
        f"images a second ({row['threads']} thread(s), batch {row['batch_size']})"
        if row
        else "size (KiB)"
    )
    axes.set_ylabel("top-1 accuracy (%)")
    axes.margins(x=0.2, y=0.25)
    axes.set_xlim(left=0)
    axes.grid(color="#eeeeee")
    axes.set_axisbelow(True)
    set_title(figure, verdict(evaluations, speeds).rstrip("."))
    return figure
