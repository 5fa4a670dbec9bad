"""Classes in another order than the outputs of the model, found from what it predicts."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ptq_comparison.preparation.assignment import best_assignment

FOLDS = 5
ALPHA = 0.001  # level of the test
LENIENT = 0.05  # of groups of classes, before that test
TIMES = 2  # classes that are alike are confused; in a wrong order, they are hardly ever right
NAMED = 3  # classes in one message
MOST = 3000  # classes among labels and predictions: more would take gigabytes and minutes


class Order(NamedTuple):
    """The outputs that stand for the images of classes, by class, and how often they are right.

    `correct` is the number of right predictions as it is, `reordered` that with the outputs.
    """

    outputs: dict[int, int]
    correct: int
    reordered: int


def find_order(labels: np.ndarray, predicted: np.ndarray) -> Order | None:
    """Return the better order of the classes if there clearly is one; both are int (N,).

    It is found on four fifths of the images and tried on the others, five times, so that chance
    makes no order better.
    """
    used, places = np.unique(np.concatenate([labels, predicted]), return_inverse=True)
    if len(used) > MOST:
        return None
    labels, predicted = np.split(places, [len(labels)])
    outputs = reorder(labels, predicted, len(used))
    moved = np.flatnonzero(outputs != np.arange(len(used)))
    if not len(moved):
        return None
    fold = np.empty(len(labels), np.int64)
    # Each class is in all folds.
    fold[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % FOLDS
    before, after = labels == predicted, np.empty(len(labels), bool)
    for number in range(FOLDS):
        out = fold == number
        found = reorder(labels[~out], predicted[~out], len(used))
        after[out] = found[labels[out]] == predicted[out]
    if not is_clearly_better(before, after):
        return None
    right = int(np.sum(outputs[labels] == predicted))
    return Order({int(used[c]): int(used[outputs[c]]) for c in moved}, int(before.sum()), right)


def reorder(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the output for each class, int64 (classes,), as `assign` does.

    Only groups of classes are moved that gain much by it.
    """
    best, order = assign(labels, predicted, classes), np.arange(classes)
    with_images = set(np.unique(labels).tolist())
    for cycle in _cycles(best):
        of = np.isin(labels, cycle)
        before, after = labels[of] == predicted[of], best[labels[of]] == predicted[of]
        if is_clearly_better(before, after, LENIENT) and after.sum() > TIMES * before.sum():
            moved = [c for c in cycle if c in with_images]
            order[moved] = best[moved]
    return order


def assign(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the output for each class, int64 (classes,), that makes most predictions right.

    Of equal assignments, that which moves the fewest classes.
    """
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    order = np.arange(classes)
    if np.array_equal(confusion.max(axis=1), confusion.diagonal()):
        return order
    return best_assignment(confusion * (classes + 1) + np.eye(classes, dtype=np.int64))


def is_clearly_better(before: np.ndarray, after: np.ndarray, level: float = ALPHA) -> bool:
    """Tell whether more is right `after`, both bool (N,): exact McNemar test of one side.

    Q. McNemar, Psychometrika 12 (1947), 153-157.
    """
    gained, lost = int(np.sum(after & ~before)), int(np.sum(before & ~after))
    total = gained + lost
    tail = sum(math.comb(total, count) for count in range(gained, total + 1))
    return gained > lost and tail < level * 2**total


def _cycles(outputs: np.ndarray) -> list[list[int]]:
    """Return the groups of classes that take the outputs of each other, in that order."""
    cycles, seen = [], set[int]()
    for first in np.flatnonzero(outputs != np.arange(len(outputs))).tolist():
        cycle, label = [], first
        while label not in seen:
            seen.add(label)
            cycle.append(label)
            label = int(outputs[label])
        cycles += [cycle] if cycle else []
    return cycles


def describe_order(order: Order, names: Sequence[str], total: int) -> str:
    """Return what looks wrong, in words, with the remedy."""
    outputs = order.outputs
    shown = [repr(names[c]) for c in outputs]
    is_cycle = set(outputs.values()) == set(outputs)
    if len(outputs) == 2 and is_cycle:
        first, second = sorted(outputs)
        text = f"{names[first]!r} and {names[second]!r} look swapped"
        if list(names) == sorted(names):
            text += (
                f": {names[second]!r} sorts behind {names[first]!r}, and the model has it before"
            )
    elif len(outputs) == NAMED and is_cycle:
        text = f"classes {', '.join(shown)} look rotated"
    else:
        listed = ", ".join(f"{names[c]!r} is output {outputs[c]}" for c in list(outputs)[:NAMED])
        more = f" and {len(outputs) - NAMED} more" if len(outputs) > NAMED else ""
        text = f"the classes look to be in another order than the outputs: {listed}{more}"
    return (
        f"{text} ({order.correct / total:.1%} of the calibration images are right, and "
        f"{order.reordered / total:.1%} in that order); set dataset.classes to a file with the "
        "names in the order of the outputs"
    )
