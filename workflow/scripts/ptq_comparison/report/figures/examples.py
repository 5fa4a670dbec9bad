"""Images that quantization breaks and fixes, with predictions and scores of both models."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ptq_comparison.evaluation.metrics import SIGNIFICANCE, holm, mcnemar_exact_p
from ptq_comparison.report.figures.style import WIDTH, colors, markers, set_title, shorten

IMAGES_PER_ROW = 4
MARK_DEPTH = 0.14  # inches from the top of the images of a model to its mark
HEADING_LETTERS = 40  # of a model above its images
CLASS_LETTERS = 11  # of a class; more would run into the next image
MOST_NAMED_MODELS = 3  # quantized models: of more, the title tells the range


class Predictions(NamedTuple):
    """Of one model: predicted classes, int64 (N,), and scores of these and of the labels, (N,)."""

    predicted: np.ndarray
    scores: np.ndarray
    label_scores: np.ndarray

    def describe(self, index: int, class_names: list[str]) -> str:
        """Return the class that is predicted for one image, and its score."""
        name = shorten(class_names[self.predicted[index]], CLASS_LETTERS)
        return f"{name} {self.scores[index]:.2f}"


def predictions_of(
    predicted: np.ndarray, blocks: Iterable[np.ndarray], labels: np.ndarray
) -> Predictions:
    """Take from scores, blocks of float32 (rows, classes), what is shown of an image."""
    columns = np.transpose([predicted, labels])
    kept, start = [], 0
    for block in blocks:
        kept.append(np.take_along_axis(block, columns[start : start + len(block)], axis=1))
        start += len(block)
    scores, label_scores = np.concatenate(kept).T
    return Predictions(predicted, scores, label_scores)


class Examples(NamedTuple):
    """Indices of images to show, int64, of the `total` that a model `verb`s."""

    model: str
    verb: str
    indices: np.ndarray
    total: int


def select(name: str, predictions: dict[str, Predictions], labels: np.ndarray) -> list[Examples]:
    """Return the images that a model breaks and those that it fixes; `predictions` float32 first.

    Those come first whose label has the highest score: the clearest cases.
    """
    own, fp32 = predictions[name], next(iter(predictions.values()))
    right, fp32_right = own.predicted == labels, fp32.predicted == labels

    def clearest(verb: str, mask: np.ndarray, scores: np.ndarray) -> Examples:
        indices = np.flatnonzero(mask)
        order = np.argsort(-scores[indices], kind="stable")
        return Examples(name, verb, indices[order][:IMAGES_PER_ROW], len(indices))

    return [
        clearest("breaks", fp32_right & ~right, fp32.label_scores),
        clearest("fixes", right & ~fp32_right, own.label_scores),
    ]


def finding(rows: list[Examples]) -> str:
    """Return how many images each model breaks and fixes, and whether they differ beyond chance.

    `rows` come in pairs.
    """
    test = "exact McNemar, Holm"
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    p_values = holm([mcnemar_exact_p(fixed.total, broken.total) for broken, fixed in pairs])
    differs = [p < SIGNIFICANCE for p in p_values]
    if len(pairs) > MOST_NAMED_MODELS:
        broken, fixed = ([row.total for row in part] for part in (rows[::2], rows[1::2]))
        return (
            f"The {len(pairs)} models break {min(broken)} to {max(broken)} images and fix "
            f"{min(fixed)} to {max(fixed)}: {sum(differs) or 'none'} of them beyond chance ({test})"
        )
    told = "; ".join(
        f"{shorten(broken.model)} breaks {broken.total} image{'s' * (broken.total != 1)} and fixes "
        f"{fixed.total}, {'beyond' if beyond else 'within'} chance"
        for (broken, fixed), beyond in zip(pairs, differs, strict=True)
    )
    return f"{told} ({test})"


def plot_examples(
    images: np.ndarray,
    labels: np.ndarray,
    predictions: dict[str, Predictions],
    class_names: list[str],
) -> Figure:
    """Return the figure, two rows a quantized model; `images` are uint8 (N, H, W, C).

    `labels` are int64 (N,), `predictions` those of all models by name, float32 first.
    """
    first, *quantized = predictions
    palette, shapes = colors(list(predictions)), markers(list(predictions))
    rows = [row for name in quantized for row in select(name, predictions, labels)]
    shows = any(row.total for row in rows)  # else the title says it all
    heights = [2.15 if row.total else 0.3 for row in rows if shows]  # inches
    figure = Figure((WIDTH, 0.8 + sum(heights)))
    set_title(figure, finding(rows))
    if not shows:
        return figure
    parts = figure.subfigures(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, row, height in zip(parts, rows, heights, strict=True):
        shown = f", the {len(row.indices)} clearest" if row.total > len(row.indices) else ""
        heading = f"{shorten(row.model, HEADING_LETTERS)} {row.verb} {row.total}{shown}"
        part.suptitle(heading, x=0.035, ha="left", fontsize=12)
        # The mark of the model stands beside black letters: some colours are too light for them.
        mark = Line2D([0.02], [1 - MARK_DEPTH / height], color=palette[row.model])
        mark.set(marker=shapes[row.model], ms=8, transform=part.transSubfigure, in_layout=False)
        part.add_artist(mark)
        if not row.total:
            continue
        panels = part.subplots(1, IMAGES_PER_ROW)
        for axes in panels:
            axes.set_axis_off()
            axes.set_anchor("S")  # centred, the layout would cut off what stands below
        for axes, index in zip(panels, row.indices, strict=False):
            picture: Any = images[index].squeeze()
            # Without interpolation, the file holds the pixels themselves.
            axes.imshow(picture, cmap="gray" if picture.ndim == 2 else None, interpolation="none")
            _write(axes, 0, shorten(class_names[labels[index]], CLASS_LETTERS + 5))
            _write(axes, 1, predictions[first].describe(index, class_names))
            _write(axes, 2, predictions[row.model].describe(index, class_names))
        for line, name in enumerate(("label", "float32", "quantized")):
            _write(panels[0], line, name, beside=True)
    return figure


def _write(axes: Any, line: int, text: str, beside: bool = False) -> None:
    """Write a line below an image, or `beside` it what the line tells."""
    axes.annotate(
        text,
        (0, 0),
        (-6 if beside else 0, -3 - 12.5 * line),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right" if beside else "left",
        va="top",
        fontsize=10,
        color="#555555" if beside else "black",
    )
