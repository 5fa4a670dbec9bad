"""Accuracy of each class: float32 and every quantized model on one line."""

from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ptq_comparison.figures.style import WIDTH, colors, markers, set_title

SHOWN = 30  # classes; of more, those that change most


def changes(evaluations: list[dict[str, Any]]) -> np.ndarray:
    """Return accuracy differences in pp, float64 (models, classes); NaN for an empty class."""
    return np.array(
        [
            [np.nan if row["delta_pp"] is None else row["delta_pp"] for row in item["per_class"]]
            for item in evaluations[1:]
        ]
    )


def finding(evaluations: list[dict[str, Any]]) -> str:
    """Return the class that loses most, and with which model."""
    differences = changes(evaluations)
    model, label = np.unravel_index(np.nanargmin(differences), differences.shape)
    if differences[model, label] >= 0:
        return "No class loses accuracy"
    name = evaluations[model + 1]["model"]["name"]
    return (
        f"{evaluations[0]['per_class'][label]['class']} loses most: "
        f"{differences[model, label]:+.1f} pp with {name}"
    )


def plot_classes(evaluations: list[dict[str, Any]]) -> Figure:
    """Return the figure; `evaluations` are those of all models, float32 first."""
    names = [evaluation["model"]["name"] for evaluation in evaluations]
    palette, shapes = colors(names), markers(names)
    rows = evaluations[0]["per_class"]
    differences = changes(evaluations)
    filled = [label for label, row in enumerate(rows) if row["total"]]
    largest = sorted(filled, key=lambda label: -np.abs(differences[:, label]).max())[:SHOWN]
    order = sorted(largest, key=lambda label: differences[:, label].min())
    top1 = [[100 * item["per_class"][label]["top1"] for label in order] for item in evaluations]
    places = np.arange(len(order))
    figure, axes = plt.subplots(figsize=(WIDTH, 1.6 + 0.32 * len(order)))
    axes.hlines(places, np.min(top1, axis=0), np.max(top1, axis=0), color="#bbbbbb", lw=2, zorder=1)
    for name, values in zip(names, top1, strict=True):
        axes.scatter(
            values, places, s=45, color=palette[name], marker=shapes[name], label=name, zorder=2
        )
    axes.set(xlabel="accuracy of the class (%)", yticks=places)
    axes.set_yticklabels([rows[label]["class"] for label in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=min(len(names), 4))
    left_out = len(filled) - len(order)
    note = f"\n({left_out} classes that change less are left out)" if left_out else ""
    set_title(figure, finding(evaluations) + note)
    return figure
