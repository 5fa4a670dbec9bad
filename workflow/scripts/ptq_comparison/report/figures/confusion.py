"""How the confusion matrix changes: that of each quantized model minus that of float32."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.report.figures.changes import Change, confusion_changes
from ptq_comparison.report.figures.style import (
    NAME_LETTERS,
    WIDTH,
    left_out,
    letters_on,
    set_title,
    shorten,
)

MOST_NAMED = 2  # confusions, in the title
MOST_ANNOTATED_CLASSES = 12  # classes: with more, the counts do not fit into the cells
MOST_CLASSES = 40  # classes: the names of more do not fit beside the matrix
SHOWN_CLASSES = 20  # of more classes: those between which most changes
OTHERS = "other classes"
CELL_HEIGHT = 0.3  # inches, height
HEADING_LETTERS = 36  # of a model above its matrix
# From worse, which is negative, to better; told apart with any kind of colour vision.
COLOR_MAP = colormaps["PuOr"]
LARGEST_MARK = 36  # area of the mark of a cell without a count, square points


def difference(evaluation: Evaluation, fp32: Evaluation) -> np.ndarray:
    """Return counts of a model minus those of float32, int64: row = label, column = prediction."""
    return np.array(np.subtract(evaluation["confusion_matrix"], fp32["confusion_matrix"]))


def finding(evaluations: list[Evaluation], changes: Sequence[Change]) -> str:
    """Return which confusions become more or less frequent beyond chance; `changes` are those of
    `find_changes`."""
    test = "exact McNemar per cell, Holm"
    found = confusion_changes(changes)
    if not found:
        return f"No confusion changes beyond chance ({test})"
    classes = [row["class"] for row in evaluations[0]["per_class"]]
    names = [*map(shorten, classes), "a class without images"]
    named = [
        f"{shorten(change.model)} takes {names[change.label]} for {names[change.predicted]} "
        f"{'more' if change.images > 0 else 'less'} often ({change.images:+d} images)"
        for change in found[:MOST_NAMED]
    ]
    rest = len(found) - len(named)
    many = "1 confusion changes" if len(found) == 1 else f"{len(found)} confusions change"
    more = f"; and {rest} more" if rest else ""
    return f"{many} beyond chance ({test}): {'; '.join(named)}{more}"


def select(matrices: list[np.ndarray]) -> list[int]:
    """Return the classes to show, in their order: all, or those with the largest changes.

    Off the diagonal, since a confusion that grows has the same images on it.
    """
    count = len(matrices[0])
    if count <= MOST_CLASSES:
        return list(range(count))
    total = np.zeros((count, count), int)
    for matrix in matrices:
        total += np.abs(matrix[:, :count])
    np.fill_diagonal(total, 0)
    shown: set[int] = set()
    for cell in np.argsort(-total, axis=None, kind="stable"):
        pair = set(map(int, divmod(int(cell), count)))
        if len(shown | pair) > SHOWN_CLASSES:
            break
        shown |= pair
    return sorted(shown)


def restrict(matrix: np.ndarray, shown: list[int]) -> np.ndarray:
    """Return rows and columns of these classes, and what the rows have in all other columns."""
    rows = matrix[shown]
    kept = rows[:, shown]
    if len(shown) == matrix.shape[1]:
        return kept
    return np.hstack([kept, (rows.sum(axis=1) - kept.sum(axis=1))[:, np.newaxis]])


def goodness(matrix: np.ndarray) -> np.ndarray:
    """Return images by which a model is better than float32, negative where it is worse.

    More images on the diagonal are better, more off it are worse. `matrix` is that of `restrict`.
    """
    return np.where(np.eye(*matrix.shape) > 0, matrix, -matrix)


def plot_confusion(evaluations: list[Evaluation], changes: Sequence[Change]) -> Figure:
    """Return the figure, a panel a quantized model; `evaluations` of all models, float32 first.

    Cells that change beyond chance are framed; `changes` are those of `find_changes`.
    """
    matrices = [difference(item, evaluations[0]) for item in evaluations[1:]]
    shown = select(matrices)
    hidden = len(matrices[0]) - len(shown)
    matrices = [restrict(matrix, shown) for matrix in matrices]
    classes = evaluations[0]["per_class"]
    names = [shorten(classes[label]["class"], NAME_LETTERS) for label in shown]
    columns = [*names, OTHERS][: matrices[0].shape[1]]
    limit = max(1, *(int(np.abs(matrix).max()) for matrix in matrices))
    rows = len(matrices)
    side = min(WIDTH, 0.5 + CELL_HEIGHT * len(names))
    figure = Figure((WIDTH, 2.8 + side * rows))
    panels = figure.subplots(rows, 1, sharex=True, squeeze=False)
    places = {label: place for place, label in enumerate(shown)}
    framed = False
    for axes, evaluation, matrix in zip(panels[:, 0], evaluations[1:], matrices, strict=True):
        name = evaluation["model"]["name"]
        image = axes.imshow(
            goodness(matrix), cmap=COLOR_MAP, vmin=-limit, vmax=limit, aspect="auto"
        )
        axes.set_title(f"{shorten(name, HEADING_LETTERS)} minus float32", fontsize=11)
        axes.set_ylabel("label")
        axes.spines[:].set_visible(False)
        axes.set_yticks(range(len(names)), names)
        axes.set_xticks(
            range(len(columns)), columns, rotation=60, ha="right", rotation_mode="anchor"
        )
        _mark_cells(axes, matrix, limit)
        for change in confusion_changes(changes):
            # Confusions with classes that are not shown are not told apart.
            if change.model == name and {change.label, change.predicted} <= places.keys():
                corner = places[change.predicted] - 0.5, places[change.label] - 0.5
                axes.add_patch(Rectangle(corner, 1, 1, fill=False, ec="black", lw=1.5, zorder=3))
                framed = True
    panels[-1, 0].set_xlabel("prediction")
    bar = figure.colorbar(
        image,
        ax=panels[:, 0],
        label="images: ▼ worse, fewer right or more errors\n▲ better, more right or fewer errors",
        location="bottom",  # beside the panels it would take width from the counts
        ticks=MaxNLocator(5, integer=True),
        format=FuncFormatter(lambda value, _: f"{abs(value):.0f}"),
        aspect=40,
        pad=0.1 / figure.get_figheight(),
    )
    bar.ax.xaxis.label.set_fontsize(10)
    frames = ["framed: changes beyond chance"] if framed else []
    notes = left_out(hidden, "class that changes less", "classes that change less")
    set_title(figure, finding(evaluations, changes), *frames, *notes)
    return figure


def _mark_cells(axes: Any, matrix: np.ndarray, limit: int) -> None:
    """Write the count into each cell that changes, or draw a triangle: up is better."""
    good = goodness(matrix)
    shades = COLOR_MAP((good / limit + 1) / 2)
    marks: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row, column in np.argwhere(matrix):
        better = good[row, column] > 0
        color = letters_on(to_hex(shades[row, column]))
        if len(matrix) <= MOST_ANNOTATED_CLASSES:
            text = f"{matrix[row, column]:+d}{'▲' if better else '▼'}"
            axes.text(column, row, text, ha="center", va="center", color=color, size=9)
        else:
            marks.setdefault(("^" if better else "v", color), []).append((column, row))
    area = min(LARGEST_MARK, LARGEST_MARK * (25 / len(matrix)) ** 2)
    for (marker, color), places in marks.items():
        axes.scatter(*np.transpose(places), s=area, color=color, marker=marker, lw=0)
