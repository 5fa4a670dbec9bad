"""Accuracy of each class: float32 and every quantized model on one line."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.report.figures.changes import Change, class_changes, join
from ptq_comparison.report.figures.style import (
    EDGE_COLOR,
    NAME_LETTERS,
    WIDTH,
    add_legend,
    colors,
    left_out,
    markers,
    set_title,
    shorten,
)

MOST_NAMED = 3  # classes, in the title
MOST_CLASSES = 30  # classes; of more, those that change most
MARKER_SPACING = (
    0.07  # inches between the markers of two models, so that equal ones do not hide each other
)


def changes(evaluations: list[Evaluation]) -> np.ndarray:
    """Return accuracy differences in pp, float64 (models, classes with images)."""
    return np.array([[row["delta_pp"] for row in item["per_class"]] for item in evaluations[1:]])


def finding(evaluations: list[Evaluation], changes: Sequence[Change]) -> str:
    """Return which classes change beyond chance, by how much, and with which model."""
    test = "exact McNemar per class, Holm"
    first: dict[int, Change] = {}  # the surest of each class
    for change in class_changes(changes):
        first.setdefault(change.label, change)
    if not first:
        return f"No class changes beyond chance ({test})"
    by_name = {item["model"]["name"]: item["per_class"] for item in evaluations}
    named = []
    for label, change in list(first.items())[:MOST_NAMED]:
        row = by_name[change.model][label]
        with_model = f" with {shorten(change.model)}" if len(evaluations) > 2 else ""
        named.append(f"{shorten(row['class'])} {row['delta_pp']:+.1f} pp{with_model}")
    rest = len(first) - len(named)
    return (
        f"{len(first)} of {len(evaluations[0]['per_class'])} classes "
        f"change{'s' * (len(first) == 1)} beyond chance ({test}): "
        f"{join([*named, *[f'{rest} more'] * bool(rest)])}"
    )


def select(evaluations: list[Evaluation]) -> tuple[list[int], int]:
    """Return the rows to show, largest loss first, and how many that change less are left out."""
    differences = changes(evaluations)
    every = range(differences.shape[1])
    largest = sorted(every, key=lambda row: -np.abs(differences[:, row]).max())[:MOST_CLASSES]
    order = sorted(largest, key=lambda row: differences[:, row].min())
    return order, len(every) - len(order)


def plot_classes(evaluations: list[Evaluation], changes: Sequence[Change]) -> Figure:
    """Return the figure; `evaluations` are those of all models, float32 first.

    A star marks classes that change beyond chance; `changes` are those of `find_changes`.
    """
    names = [evaluation["model"]["name"] for evaluation in evaluations]
    palette, shapes = colors(names), markers(names)
    order, hidden = select(evaluations)
    row_height = 0.22 + MARKER_SPACING * (len(names) - 1)
    height = 1.6 + 0.25 * (len(names) // 4) + row_height * len(order)
    figure = Figure((WIDTH, height))
    axes = figure.subplots()
    places = np.arange(len(order))
    top1 = [[100 * item["per_class"][label]["top1"] for label in order] for item in evaluations]
    axes.hlines(places, np.min(top1, axis=0), np.max(top1, axis=0), color="#bbbbbb", lw=2, zorder=1)
    for number, (name, values) in enumerate(zip(names, top1, strict=True)):
        offset = (number - (len(names) - 1) / 2) * MARKER_SPACING / row_height
        axes.scatter(
            values,
            places + offset,
            s=32,
            color=palette[name],
            marker=shapes[name],
            edgecolors=EDGE_COLOR,
            linewidths=0.5,
            label=shorten(name, NAME_LETTERS),
            zorder=2,
        )
    axes.set(xlabel="accuracy of the class (%)", yticks=places)
    changed = {change.label for change in class_changes(changes)}
    classes = [shorten(evaluations[0]["per_class"][n]["class"], NAME_LETTERS) for n in order]
    axes.set_yticklabels(
        [f"{name} *" if n in changed else name for n, name in zip(order, classes, strict=True)]
    )
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.hlines(
        places[1:] - 0.5, 0, 1, color="#eeeeee", lw=0.8, transform=axes.get_yaxis_transform()
    )
    add_legend(figure)
    notes = left_out(hidden, "class that changes less", "classes that change less")
    star = ["* changes beyond chance"] if changed.intersection(order) else []
    set_title(figure, finding(evaluations, changes), *star, *notes)
    return figure
