"""Images that quantization breaks and fixes, with the answers of both models and their scores."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ptq_comparison.figures.style import WIDTH, colors, set_title

COLUMNS = 5


class Answers(NamedTuple):
    """Predicted classes, int64 (N,), and scores, float32 (N, classes), of one model."""

    predicted: np.ndarray
    scores: np.ndarray

    def describe(self, index: int, class_names: list[str]) -> str:
        """Return the answer to one image and its score."""
        label = self.predicted[index]
        return f"{class_names[label]} {self.scores[index, label]:.2f}"


def select(
    answers: Answers, fp32: Answers, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Return indices of broken and of fixed images, int64, at most `COLUMNS`, and how many of each.

    Those come first whose right answer has the highest score: the clearest cases.
    """
    right, fp32_right = answers.predicted == labels, fp32.predicted == labels
    broken, fixed = np.flatnonzero(fp32_right & ~right), np.flatnonzero(right & ~fp32_right)

    def clearest(indices: np.ndarray, scores: np.ndarray) -> np.ndarray:
        order = np.argsort(-scores[indices, labels[indices]], kind="stable")
        return np.asarray(indices[order][:COLUMNS])

    return (
        clearest(broken, fp32.scores),
        clearest(fixed, answers.scores),
        len(broken),
        len(fixed),
    )


def plot_examples(
    images: np.ndarray, labels: np.ndarray, answers: dict[str, Answers], class_names: list[str]
) -> Figure:
    """Return the figure, two rows a quantized model; `images` are uint8 (N, H, W, C).

    `labels` are int64 (N,), `answers` those of all models by name, float32 first.
    """
    (_, fp32), *quantized = answers.items()
    palette = colors(list(answers))
    figure = plt.figure(figsize=(WIDTH, 0.7 + 2 * 1.95 * len(quantized)))
    parts = figure.subfigures(2 * len(quantized), 1, squeeze=False)[:, 0]
    findings: list[str] = []
    for number, (name, own) in enumerate(quantized):
        broken, fixed, count_broken, count_fixed = select(own, fp32, labels)
        findings.append(f"{name} breaks {count_broken} images and fixes {count_fixed}")
        for part, verb, indices, count in (
            (parts[2 * number], "breaks", broken, count_broken),
            (parts[2 * number + 1], "fixes", fixed, count_fixed),
        ):
            heading = f"{name} {verb} {count}" + (
                f", the {len(indices)} clearest" if count > len(indices) > 1 else ""
            )
            part.suptitle(heading, x=0.02, ha="left", color=palette[name], fontsize=11)
            for axes, index in zip(
                part.subplots(1, COLUMNS), [*indices, *[None] * COLUMNS], strict=False
            ):
                axes.set_axis_off()
                if index is not None:
                    picture: Any = images[index].squeeze()
                    axes.imshow(picture, cmap="gray" if picture.ndim == 2 else None)
                    axes.set_title(
                        f"{class_names[labels[index]]}\nfp32: {fp32.describe(index, class_names)}\n"
                        f"{name}: {own.describe(index, class_names)}",
                        fontsize=8,
                        y=-0.02,
                        va="top",
                        loc="left",
                    )
    set_title(figure, "; ".join(findings))
    return figure
