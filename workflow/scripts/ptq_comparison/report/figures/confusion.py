"""How the confusion matrix changes: that of each quantized model minus that of float32."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.report.figures.style import NAME_LETTERS, WIDTH, set_title, shorten

MOST_ANNOTATED_CLASSES = 12  # classes: with more, the counts do not fit into the cells
MOST_NAMED_CLASSES = 40  # classes: with more, the names do not fit beside the matrix
CELL_HEIGHT = 0.3  # inches, height


def difference(evaluation: Evaluation, fp32: Evaluation) -> np.ndarray:
    """Return counts of a model minus those of float32, int64: row = label, column = prediction."""
    return np.array(np.subtract(evaluation["confusion_matrix"], fp32["confusion_matrix"]))


def finding(evaluations: list[Evaluation]) -> str:
    """Return the confusion that grows most, over all quantized models."""
    matrices = np.array([difference(item, evaluations[0]) for item in evaluations[1:]])
    classes = np.arange(matrices.shape[1])
    matrices[:, classes, classes] = 0
    if matrices.max() <= 0:
        return "No confusion grows"
    model, label, predicted = np.unravel_index(matrices.argmax(), matrices.shape)
    names = [row["class"] for row in evaluations[0]["per_class"]]
    count = matrices.max()
    return (
        f"{evaluations[model + 1]['model']['name']} takes {shorten(names[label])} for "
        f"{shorten(names[predicted])} "
        f"more often than float32 does: {count:+d} image{'s' * bool(count > 1)}"
    )


def plot_confusion(evaluations: list[Evaluation]) -> Figure:
    """Return the figure, a panel a quantized model; `evaluations` of all models, float32 first."""
    names = [shorten(row["class"], NAME_LETTERS) for row in evaluations[0]["per_class"]]
    matrices = [difference(item, evaluations[0]) for item in evaluations[1:]]
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
        if len(names) <= MOST_NAMED_CLASSES:
            axes.set_yticks(range(len(names)), names)
            axes.set_xticks(
                range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor"
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
    set_title(figure, finding(evaluations))
    return figure
