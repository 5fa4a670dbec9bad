"""Accuracy against throughput and size of every model."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.evaluation.results import LatencyRow
from ptq_comparison.report.figures.accuracy import TEST, differences
from ptq_comparison.report.figures.changes import join
from ptq_comparison.report.figures.style import (
    EDGE_COLOR,
    LINE_HEIGHT,
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
from ptq_comparison.report.verdict import describe_setting

LARGEST_DISC = 1200  # area of the disc of the largest model, square points
MOST_STRETCHED = 1.3  # multiple of the highest throughput that the axis reaches for an interval
MOST_NAMED_MODELS = 3  # quantized models: of more, the title counts
DISTURBED = (
    "hollow: disturbed by other load, interval wider than ±10\N{NO-BREAK SPACE}% of the speed"
)


def finding(evaluations: list[Evaluation], speeds: Mapping[str, LatencyRow]) -> str:
    """Return which models are faster or slower than float32, their size, and their accuracy.

    A model is faster, or slower, where the interval of its speed holds it to be so.
    """
    accuracy = f"{differences(evaluations)} ({TEST})"
    size = evaluations[0]["model"]["bytes"]
    shares = [100 * item["model"]["bytes"] / size for item in evaluations[1:]]
    sizes = f"{_range(shares, '.0f')} % of the size"
    if not speeds:
        return f"At {sizes}, {accuracy}"
    groups: dict[str, list[str]] = {"faster": [], "slower": [], "": []}
    for item in evaluations[1:]:
        name = item["model"]["name"]
        low, high = speeds[name]["speedup_ci95"]
        groups["faster" if low > 1 else "slower" if high < 1 else ""].append(name)
    told = [
        _describe(names, kind, speeds, len(shares) > MOST_NAMED_MODELS)
        for kind, names in groups.items()
        if names
    ]
    return f"{'; '.join(told)}; at {sizes}, {accuracy}"


def _describe(
    names: Sequence[str], kind: str, speeds: Mapping[str, LatencyRow], counted: bool
) -> str:
    """Return how fast models of one kind are, by name or `counted`."""
    subject = f"{len(names)} models" if counted else join([shorten(name) for name in names])
    verb = "is" if len(names) == 1 else "are"
    if counted and len(names) == 1:
        subject = "1 model"
    times = f"{_range([speeds[name]['speedup'] for name in names], '.2f')} times the speed"
    if kind:
        return f"{subject} {verb} {kind} than float32 ({times})"
    return f"{subject} {verb} neither faster nor slower beyond the interval ({times})"


def _range(values: Sequence[float], form: str) -> str:
    least, most = (f"{value:{form}}" for value in (min(values), max(values)))
    return least if least == most else f"{least} to {most}"


def plot_tradeoff(evaluations: list[Evaluation], speeds: Mapping[str, LatencyRow]) -> Figure:
    """Return the figure; `evaluations` are those of all models, float32 first.

    The abscissa is throughput, from `speeds`, the rows of latency.json by model; where none was
    measured it is size. Its intervals are those of the speed, times the throughput of float32.
    """
    names = [evaluation["model"]["name"] for evaluation in evaluations]
    palette, shapes = colors(names), markers(names)
    sizes = [evaluation["model"]["bytes"] for evaluation in evaluations]
    disturbed = {
        name for name, row in speeds.items() if is_disturbed(row["speedup"], row["speedup_ci95"])
    }
    figure = Figure((WIDTH, 3.9))
    axes = figure.subplots()
    for evaluation, size in zip(evaluations, sizes, strict=True):
        name = evaluation["model"]["name"]
        top1, (low, high) = evaluation["accuracy"]["top1"], evaluation["accuracy"]["ci95"]
        place, limits = size / 1024, None
        if speeds:
            row = speeds[name]
            place = row["images_per_second"]
            unit = place / row["speedup"]
            low_speed, high_speed = (max(0.0, unit * limit) for limit in row["speedup_ci95"])
            limits = error_lengths([place], [low_speed], [high_speed])
        axes.errorbar(
            place,
            100 * top1,
            error_lengths([100 * top1], [100 * low], [100 * high]),
            limits,
            color=palette[name],
            lw=1.5,
            capsize=4,
        )
        # In a legend, since the names of models of one speed would cover each other.
        label = f"{shorten(name, NAME_LETTERS)}: {size / 1024:,.0f} KiB"
        label += f", {speeds[name]['speedup']:.2f}x" if speeds else ""
        label += ", disturbed" if name in disturbed else ""
        axes.plot(
            place,
            100 * top1,
            shapes[name],
            color="white" if name in disturbed else palette[name],
            mec=palette[name] if name in disturbed else EDGE_COLOR,
            mew=1.5 if name in disturbed else 0.5,
            ms=7,
            ls="",
            label=label,
        )
        area = LARGEST_DISC * size / max(sizes)
        axes.scatter(place, 100 * top1, area, palette[name], alpha=0.35, lw=0, zorder=1)
    setting = describe_setting(next(iter(speeds.values()))) if speeds else ""
    axes.set_xlabel(f"images a second ({setting})" if speeds else "size (KiB)")
    axes.set_ylabel("top-1 accuracy (%)")
    axes.margins(x=0.12, y=0.1)
    if speeds:  # a wide interval may leave the axes, or the models would be at one place
        left, right = axes.get_xlim()
        fastest = max(row["images_per_second"] for row in speeds.values())
        axes.set_xlim(max(0.0, left), min(right, MOST_STRETCHED * fastest))
    axes.grid()
    rows = add_legend(figure)
    figure.set_figheight(figure.get_figheight() + LINE_HEIGHT * rows)
    set_title(figure, finding(candidates(evaluations), speeds), *[DISTURBED] * bool(disturbed))
    return figure
