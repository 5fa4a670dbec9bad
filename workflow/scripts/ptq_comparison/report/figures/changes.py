"""What changes beyond chance: models, classes and confusions, by exact McNemar tests with Holm."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ptq_comparison.evaluation.evaluate import Evaluation, of_quantized
from ptq_comparison.evaluation.metrics import SIGNIFICANCE, holm, mcnemar_exact_p


class Change(NamedTuple):
    """Images of the class `label` that a model takes for `predicted`, and float32 does not, and
    the other way round; rows and columns are those of the confusion matrix.

    Where both are the same, these are the images that one of them alone gets right. `p` is that of
    the exact McNemar test, with Holm's correction for all classes, or all confusions, and models.
    """

    model: str
    label: int
    predicted: int
    gained: int
    lost: int
    p: float

    @property
    def images(self) -> int:
        return self.gained - self.lost

    @property
    def is_beyond_chance(self) -> bool:
        return self.p < SIGNIFICANCE


def find_changes(predictions: Mapping[str, np.ndarray], labels: np.ndarray) -> list[Change]:
    """Return a row for each cell of a confusion matrix that a model changes, the surest first.

    `predictions` are those of all models, int64 (N,), float32 first; so are the `labels`. Cells
    with the same images as in float32 have none, and do not count as tests: they could not differ.
    """
    present = np.unique(labels)
    rows = np.searchsorted(present, labels)
    baseline, *others = (_columns(predicted, present) for predicted in predictions.values())
    width = len(present) + 1
    found = []
    for name, columns in zip(list(predictions)[1:], others, strict=True):
        moved = columns != baseline
        gained, lost = (
            np.bincount(rows[moved] * width + side[moved], minlength=width * len(present))
            for side in (columns, baseline)
        )
        for cell in np.flatnonzero(gained + lost):
            label, predicted = divmod(int(cell), width)
            counts = int(gained[cell]), int(lost[cell])
            found.append(Change(name, label, predicted, *counts, mcnemar_exact_p(*counts)))
    families = (
        [change for change in found if (change.label == change.predicted) == is_class]
        for is_class in (True, False)
    )
    corrected = [
        change._replace(p=p)
        for family in families
        for change, p in zip(family, holm([change.p for change in family]), strict=True)
    ]
    return sorted(corrected, key=lambda change: (change.p, -abs(change.images)))


def _columns(predicted: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the columns of a confusion matrix: that of all absent classes is the last one."""
    places = np.minimum(np.searchsorted(present, predicted), len(present) - 1)
    return np.where(present[places] == predicted, places, len(present))


def class_changes(changes: Sequence[Change]) -> list[Change]:
    """Return the classes whose accuracy changes beyond chance, for each model."""
    return [row for row in changes if row.label == row.predicted and row.is_beyond_chance]


def confusion_changes(changes: Sequence[Change]) -> list[Change]:
    """Return the confusions that become more or less frequent beyond chance, for each model."""
    return [row for row in changes if row.label != row.predicted and row.is_beyond_chance]


def models_told_apart(evaluations: Sequence[Evaluation]) -> list[bool]:
    """Return whether the images tell each quantized model from float32, the first evaluation."""
    p_values = [of_quantized(item["baseline"])["mcnemar_p"] for item in evaluations[1:]]
    return [p < SIGNIFICANCE for p in holm(p_values)]


def join(names: Sequence[str]) -> str:
    """Return `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)}{' and ' * bool(first)}{last}"
