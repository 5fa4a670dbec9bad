"""What quantizing each node costs: that node alone, and all nodes but that one."""

import math
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ptq_comparison.report.figures.style import (
    COLORS,
    FLOAT_COLOR,
    WIDTH,
    error_lengths,
    left_out,
    set_title,
    shorten,
)
from ptq_comparison.search.results import SensitivityRow, made_rows

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_NODES = 40  # nodes; of more, those that cost most
# Mode of a row: label, colour, filled or not, and offset from the line of the node.
MODES = {
    "only": ("this node alone in 8 bits", COLORS[0], True, -0.14),
    "all_but": ("all nodes but this one", COLORS[4], False, 0.14),
}


def finding(rows: list[SensitivityRow]) -> str:
    """Return which node has the largest divergence, beside that of all nodes together.

    Of those that can be quantized. It is the metric that ranks the nodes; no test compares them.
    """
    made = made_rows(rows)
    by_node = {row["node"]: row["kl_divergence"] for row in made if row["mode"] != "all_but"}
    ranking = _ranking(made)
    if not ranking:
        return "No node can be quantized alone"
    together = "all nodes together cannot be quantized"
    if "" in by_node:
        together = f"all nodes together: {_describe(by_node[''])}"
    largest = by_node[ranking[0]]
    if not largest:
        return f"No node alone in 8 bits changes a score; {together}"
    return (
        f"{shorten(ranking[0])} has the largest divergence measured: alone in 8 bits "
        f"{_describe(largest)}; {together}"
    )


def plot_sensitivity(rows: list[SensitivityRow], *notes: str) -> Figure:
    """Return the figure; `rows` are those of sensitivity.csv, further `notes` stand with the title.

    Nodes are in the order of the divergence that each one alone gives, the largest first.
    Rows of what cannot be quantized are left out.
    """
    title, node_count, made = finding(rows), len(_ranking(rows)), made_rows(rows)
    ranking = _ranking(made)
    places = {node: place for place, node in enumerate(ranking[:MOST_NODES])}
    everything = next((row for row in made if row["mode"] == "all"), None)
    types = {row["node"]: row["op_type"] for row in rows}
    figure = Figure((WIDTH, 2.3 + 0.24 * len(places)))
    left, right = figure.subplots(1, 2, sharey=True)
    for mode, (label, color, filled, offset) in MODES.items():
        shown = [row for row in made if row["mode"] == mode and row["node"] in places]
        heights = [places[row["node"]] + offset for row in shown]
        face = color if filled else "white"
        left.scatter(
            [row["kl_divergence"] for row in shown],
            heights,
            26,
            face,
            edgecolors=color,
            label=label,
        )
        changed = [_changed(row) for row in shown]
        least = [100 * (1 - row["agreement_ci95_high"]) for row in shown]
        most = [100 * (1 - row["agreement_ci95_low"]) for row in shown]
        lengths = error_lengths(changed, least, most)
        right.errorbar(changed, heights, xerr=lengths, fmt="none", color=color, alpha=0.4, lw=1.5)
        # Not clipped: at 0, discs lie on the edge.
        right.scatter(changed, heights, 26, face, edgecolors=color, zorder=3, clip_on=False)
    if everything:
        divergence = everything["kl_divergence"]
        left.axvline(divergence, color=FLOAT_COLOR, lw=1, ls="--", label="all nodes")
        right.axvline(_changed(everything), color=FLOAT_COLOR, lw=1, ls="--")
    _scale(left, [row["kl_divergence"] for row in made])
    right.set_xlim(left=0)
    left.set_xlabel("KL divergence (nats)")
    right.set_xlabel("changed predictions (%)")
    left.set_yticks(range(len(places)))
    left.set_yticklabels([f"{shorten(node)} ({types[node]})" for node in places], fontsize=8)
    left.set_ylim(len(places) - 0.4, -0.6)
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=9)
        axes.grid()
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    hidden = left_out(len(ranking) - len(places), "node that costs less", "nodes that cost less")
    lost = node_count - len(ranking)
    impossible = left_out(lost, "node that cannot be quantized", "nodes that cannot be quantized")
    set_title(figure, title, *hidden, *impossible, *notes)
    return figure


def _ranking(rows: list[SensitivityRow]) -> list[str]:
    alone = [row for row in rows if row["mode"] == "only"]
    # Those that could not be made have no divergence.
    return [row["node"] for row in sorted(alone, key=lambda row: -(row["kl_divergence"] or 0.0))]


def _describe(divergence: float) -> str:
    return f"KL {divergence:.2g} nats"


def _scale(axes: Any, values: list[float]) -> None:
    """Set a logarithmic scale with room for all values, linear below the least one if one is 0."""
    values = values or [1.0]
    positive = [value for value in values if value > 0]
    least = 10.0 ** math.floor(math.log10(min(positive, default=1.0)))
    if len(positive) == len(values):
        axes.set_xscale("log")
        axes.set_xlim(least, max(3 * max(values), 10 * least))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xscale("symlog", linthresh=least)
        axes.set_xlim(-0.1 * least, 3 * max(*values, least))
    axes.xaxis.set_major_formatter(FuncFormatter(_describe_power))


def _describe_power(value: float, _: int) -> str:
    """Return a power of 10, or 0, as text; matplotlib's own is a formula."""
    return f"10{f'{math.log10(value):.0f}'.translate(SUPERSCRIPT)}" if value > 0 else "0"


def _changed(row: Any) -> float:
    return 100 * (1 - float(row["agreement"]))
