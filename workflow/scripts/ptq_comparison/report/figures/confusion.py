"""How the confusion matrix changes: that of each quantized model minus that of float32."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.report.figures.style import NAME_LETTERS, WIDTH, set_title, shorten

MOST_ANNOTATED_CLASSES = 12  # classes: with more, the counts do not fit into the cells
MOST_CLASSES = 40  # classes: the names of more do not fit beside the matrix
SHOWN_CLASSES = 20  # of more classes: those between which most changes
OTHERS = "other classes"
CELL_HEIGHT = 0.3  # inches, height


def difference(evaluation: Evaluation, fp32: Evaluation) -> np.ndarray:
    """Return counts of a model minus those of float32, int64: row = label, column = prediction."""
    return np.array(np.subtract(evaluation["confusion_matrix"], fp32["confusion_matrix"]))


def finding(evaluations: list[Evaluation]) -> str:
    """Return the confusion that grows most, over all quantized models."""
    names = [row["class"] for row in evaluations[0]["per_class"]]
    grown = ("", 0, 0, 0)  # model, label, prediction, images
    for evaluation in evaluations[1:]:
        matrix = difference(evaluation, evaluations[0])
        np.fill_diagonal(matrix, 0)  # a column of other classes is the last one
        label, predicted = map(int, np.unravel_index(matrix.argmax(), matrix.shape))
        if matrix[label, predicted] > grown[3]:
            model = evaluation["model"]["name"]
            grown = (model, label, predicted, int(matrix[label, predicted]))
    model, label, predicted, count = grown
    if not count:
        return "No confusion grows"
    mistaken = [*map(shorten, names), "a class without images"]
    return (
        f"{model} takes {mistaken[label]} for {mistaken[predicted]} "
        f"more often than float32 does: {count:+d} image{'s' * (count > 1)}"
    )


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


def plot_confusion(evaluations: list[Evaluation]) -> Figure:
    """Return the figure, a panel a quantized model; `evaluations` of all models, float32 first."""
    matrices = [difference(item, evaluations[0]) for item in evaluations[1:]]
    shown = select(matrices)
    left_out = len(matrices[0]) - len(shown)
    matrices = [restrict(matrix, shown) for matrix in matrices]
    classes = evaluations[0]["per_class"]
    names = [shorten(classes[label]["class"], NAME_LETTERS) for label in shown]
    columns = [*names, OTHERS][: matrices[0].shape[1]]
    limit = max(1, *(int(np.abs(matrix).max()) for matrix in matrices))
    rows = len(matrices)
    side = min(WIDTH, 0.5 + CELL_HEIGHT * len(names))
    figure = Figure((WIDTH, 2.6 + side * rows))
    panels = figure.subplots(rows, 1, sharex=True, squeeze=False)
    for axes, evaluation, matrix in zip(panels[:, 0], evaluations[1:], matrices, strict=True):
        image = axes.imshow(matrix, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
        axes.set_title(f"{evaluation['model']['name']} minus float32", fontsize=11)
        axes.set_ylabel("label")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_yticks(range(len(names)), names)
        axes.set_xticks(
            range(len(columns)), columns, rotation=60, ha="right", rotation_mode="anchor"
        )
        if len(names) <= MOST_ANNOTATED_CLASSES:
            for (row, column), count in np.ndenumerate(matrix):
                if count:
                    shade = "white" if abs(count) > 0.6 * limit else "black"
                    axes.text(
                        column, row, f"{count:+d}", ha="center", va="center", color=shade, size=11
                    )
    panels[-1, 0].set_xlabel("prediction")
    figure.colorbar(
        image,
        ax=panels[:, 0],
        label="images more (+) or fewer (-)",
        location="bottom",  # beside the panels it would take width from the counts
        ticks=MaxNLocator(5, integer=True),
        aspect=40,
        pad=0.1 / figure.get_figheight(),
    )
    note = f"\n({left_out} classes that change less are left out)" if left_out else ""
    set_title(figure, finding(evaluations) + note)
    return figure
