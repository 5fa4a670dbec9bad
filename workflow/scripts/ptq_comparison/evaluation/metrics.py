"""Accuracy and its uncertainty, alone and paired with the baseline on the same images.

Tests compare with scipy and statsmodels, whose import would take a second in every evaluation.
"""

import math
from bisect import bisect_left
from statistics import NormalDist
from typing import Any, TypedDict

import numpy as np

from ptq_comparison.evaluation.enclosed import enclose

SIGNIFICANCE = 0.05  # of the tests; the intervals have the same level
NORMAL_QUANTILE = NormalDist().inv_cdf(1 - SIGNIFICANCE / 2)
SEARCH_STEPS = 10**12  # in the range where the limit of an interval is searched


class Accuracy(TypedDict):
    correct: int
    total: int
    top1: float
    ci95: list[float]


class PairedComparison(TypedDict):
    correct: int
    top1: float
    delta_pp: float
    delta_ci95_pp: list[float]
    agreement: float
    agreement_ci95: list[float]
    fixed: int
    broken: int
    mcnemar_p: float


def wilson_interval(correct: int, total: int, z: float = NORMAL_QUANTILE) -> tuple[float, float]:
    """Return the Wilson score interval of an accuracy, as fractions; `z` is the normal quantile.

    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209-212.
    """
    share, z2 = correct / total, z * z / total
    centre = (share + z2 / 2) / (1 + z2)
    half = z * math.sqrt(share * (1 - share) / total + z2 / (4 * total)) / (1 + z2)
    return enclose((max(centre - half, 0.0), min(centre + half, 1.0)), share)


def mcnemar_exact_p(fixed: int, broken: int) -> float:
    """Return the two-sided p value of the exact McNemar test; 1.0 without any disagreement.

    Under the null hypothesis each of the `fixed + broken` images that only one of two
    models gets right falls to either with probability 1/2.
    Q. McNemar, Psychometrika 12 (1947), 153-157.
    """
    total = fixed + broken
    factorial = math.lgamma(total + 1) - total * math.log(2)
    tail = math.fsum(
        math.exp(factorial - math.lgamma(k + 1) - math.lgamma(total - k + 1))
        for k in range(min(fixed, broken) + 1)
    )
    return min(1.0, 2 * tail)


def holm(p_values: list[float]) -> list[float]:
    """Return p values with Holm's correction for their number, in the same order.

    It keeps the chance of any false difference among all tests at the level of one test.
    S. Holm, Scand. J. Stat. 6 (1979), 65-70.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def paired_difference_interval(
    fixed: int, broken: int, total: int, z: float = NORMAL_QUANTILE
) -> tuple[float, float]:
    """Return Tango's score interval of the accuracy difference, as fractions.

    The difference is model minus baseline; `fixed` images are right in the model alone, `broken`
    in the baseline alone, and `z` is the normal quantile. The interval keeps its coverage with few
    disagreements, even with none, where the common Wald interval shrinks to nothing.
    T. Tango, Stat. Med. 17 (1998), 891-908; recommended by M. W. Fagerland, S. Lydersen and
    P. Laake, Stat. Med. 33 (2014), 2850-2875.
    """
    difference = (fixed - broken) / total

    def score(delta: float) -> float:
        # Variance under `delta`; q is the maximum likelihood estimate of P(broken).
        b = -(fixed + broken) + delta * (2 * total - fixed + broken)
        c = -broken * delta * (1 - delta)
        q = (math.sqrt(max(b * b - 8 * total * c, 0.0)) - b) / (4 * total)
        variance = total * (2 * q + delta * (1 - delta))
        return (fixed - broken - total * delta) / math.sqrt(max(variance, 1e-300))

    def limit(target: float, start: float, width: float) -> float:
        """Find by bisection where the score, which falls with delta, reaches `target`."""
        step = width / SEARCH_STEPS
        falling: int = bisect_left(
            range(1, SEARCH_STEPS), -target, key=lambda k: -score(start + k * step)
        )
        return start + (falling + 1) * step

    low = -1.0 if difference == -1 else limit(z, -1.0, difference + 1)
    high = 1.0 if difference == 1 else limit(-z, difference, 1 - difference)
    return enclose((low, high), difference)


def unpaired_difference_interval(
    correct: int, total: int, other_correct: int, other_total: int
) -> tuple[float, float]:
    """Return the 95 % interval of an accuracy minus one on other images, as fractions.

    It is the hybrid score interval of R. G. Newcombe, Stat. Med. 17 (1998), 873-890 (method 10),
    made from the Wilson intervals of both.
    """
    share, other = correct / total, other_correct / other_total
    low, high = wilson_interval(correct, total)
    other_low, other_high = wilson_interval(other_correct, other_total)
    difference = share - other
    limits = (
        difference - math.hypot(share - low, other_high - other),
        difference + math.hypot(high - share, other - other_low),
    )
    return enclose(limits, difference)


def accuracy(correct: int, total: int) -> Accuracy:
    """Return `correct`, `total`, `top1` and its 95 % Wilson interval `ci95`, as fractions."""
    return {
        "correct": correct,
        "total": total,
        "top1": correct / total,
        "ci95": list(wilson_interval(correct, total)),
    }


def paired_comparison(
    predicted: np.ndarray, baseline: np.ndarray, labels: np.ndarray
) -> PairedComparison:
    """Compare a model with the baseline on the same images; all arrays are int64 (N,).

    `delta_pp` is model minus baseline in percentage points, `agreement` the share of equal
    predictions, with its 95 % Wilson interval. `fixed` counts images that the model gets right and
    the baseline wrong, `broken` the other way round.
    """
    total = len(labels)
    equal = int(np.sum(predicted == baseline))
    right, baseline_right = predicted == labels, baseline == labels
    fixed = int(np.sum(right & ~baseline_right))
    broken = int(np.sum(~right & baseline_right))
    delta_pp = 100 * (fixed - broken) / total
    interval = paired_difference_interval(fixed, broken, total)
    return {
        "correct": int(baseline_right.sum()),
        "top1": float(baseline_right.mean()),
        "delta_pp": delta_pp,
        "delta_ci95_pp": list(enclose([100 * limit for limit in interval], delta_pp)),
        "agreement": equal / total,
        "agreement_ci95": list(wilson_interval(equal, total)),
        "fixed": fixed,
        "broken": broken,
        "mcnemar_p": mcnemar_exact_p(fixed, broken),
    }


def confusion_matrix(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return counts, int64: row = label, column = prediction; `classes` are those of the model.

    Both are of the classes with images only. Where there are others, a last column counts what is
    predicted as one of them.
    """
    present = np.unique(labels)
    columns = np.full(classes, len(present))
    columns[present] = np.arange(len(present))
    width = len(present) + (len(present) < classes)
    flat = columns[labels] * width + columns[predicted]
    return np.bincount(flat, minlength=len(present) * width).reshape(-1, width)


def per_class_accuracy(
    predicted: np.ndarray,
    baseline: np.ndarray | None,
    labels: np.ndarray,
    class_names: list[str],
) -> list[dict[str, Any]]:
    """Return one object for each class with images; `delta_pp` is None without baseline."""
    classes = len(class_names)
    totals = np.bincount(labels, minlength=classes)
    correct = np.bincount(labels[predicted == labels], minlength=classes)
    before = None
    if baseline is not None:
        before = np.bincount(labels[baseline == labels], minlength=classes)
    return [
        {
            "class": class_names[label],
            "correct": int(correct[label]),
            "total": int(totals[label]),
            "top1": float(correct[label] / totals[label]),
            "delta_pp": None
            if before is None
            else float(100 * (correct[label] - before[label]) / totals[label]),
        }
        for label in np.unique(labels)
    ]
