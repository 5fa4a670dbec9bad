"""Accuracy of each class: float32 and every quantized model on one line."""

import numpy as np
from matplotlib.figure import Figure

from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.report.figures.style import (
    NAME_LETTERS,
    WIDTH,
    add_legend,
    colors,
    markers,
    set_title,
    shorten,
)

MOST_CLASSES = 30  # classes; of more, those that change most
MARKER_SPACING = (
    0.07  # inches between the markers of two models, so that equal ones do not hide each other
)


def changes(evaluations: list[Evaluation]) -> np.ndarray:
    """Return accuracy differences in pp, float64 (models, classes); NaN for an empty class."""
    return np.array(
        [
            [np.nan if row["delta_pp"] is None else row["delta_pp"] for row in item["per_class"]]
            for item in evaluations[1:]
        ]
    )


def finding(evaluations: list[Evaluation]) -> str:
    """Return the class that loses most, and with which model."""
    differences = changes(evaluations)
    model, label = np.unravel_index(np.nanargmin(differences), differences.shape)
    if differences[model, label] >= 0:
        return "No class loses accuracy"
    name = evaluations[model + 1]["model"]["name"]
    return (
        f"{shorten(evaluations[0]['per_class'][label]['class'])} loses most: "
        f"{differences[model, label]:+.1f} pp with {name}"
    )


def select(evaluations: list[Evaluation]) -> tuple[list[int], int]:
    """Return the labels to show, largest loss first, and how many that change less are left out."""
    differences = changes(evaluations)
    filled = [label for label, row in enumerate(evaluations[0]["per_class"]) if row["total"]]
    largest = sorted(filled, key=lambda label: -np.abs(differences[:, label]).max())[:MOST_CLASSES]
    order = sorted(largest, key=lambda label: differences[:, label].min())
    return order, len(filled) - len(order)


def plot_classes(evaluations: list[Evaluation]) -> Figure:
    """Return the figure; `evaluations` are those of all models, float32 first."""
    names = [evaluation["model"]["name"] for evaluation in evaluations]
    palette, shapes = colors(names), markers(names)
    order, left_out = select(evaluations)
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
            label=shorten(name, NAME_LETTERS),
            zorder=2,
        )
    axes.set(xlabel="accuracy of the class (%)", yticks=places)
    classes = [evaluations[0]["per_class"][label]["class"] for label in order]
    axes.set_yticklabels([shorten(name, NAME_LETTERS) for name in classes])
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.hlines(
        places[1:] - 0.5, 0, 1, color="#eeeeee", lw=0.8, transform=axes.get_yaxis_transform()
    )
    add_legend(figure)
    note = f"\n({left_out} classes that change less are left out)" if left_out else ""
    set_title(figure, finding(evaluations) + note)
    return figure
