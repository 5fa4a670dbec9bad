"""What an evaluation tells of scores, beside the class with the highest one."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypedDict

import numpy as np

from ptq_comparison.evaluation.metrics import wilson_interval
from ptq_comparison.evaluation.probabilities import probabilities

LEAST_CLASSES_FOR_TOP5 = 50  # of fewer, five are too many to say anything
BINS = 15  # of the expected calibration error, as in its source


class Summary(NamedTuple):
    """What is needed of the scores of a model, a value for each image, (N,).

    `predicted` are int64 classes, `confidences` their probabilities, float64. `ranks`, int64, tell
    how many classes come before the label. `among_present`, int64, are the classes predicted of
    those with images. `seconds`, float64, grow with the probability of the second of two classes.
    `tied`, bool, tells where several classes share the highest score.
    """

    predicted: np.ndarray
    confidences: np.ndarray
    ranks: np.ndarray
    among_present: np.ndarray
    seconds: np.ndarray
    tied: np.ndarray


class Share(TypedDict):
    correct: int
    ci95: list[float]
    delta_pp: float | None


class Top5(Share):
    top5: float


class PresentClasses(Share):
    classes: int
    outputs: int
    top1: float


class TwoClasses(TypedDict):
    positive: str
    precision: float | None
    recall: float | None
    f1: float | None
    auc: float | None


class CalibrationError(TypedDict):
    ece: float
    delta_pp: float | None


class Ties(TypedDict):
    images: int
    share: float


class ScoreMetrics(TypedDict):
    """Part of an evaluation; None for what does not apply."""

    top5: Top5 | None
    present_classes: PresentClasses | None
    two_classes: TwoClasses | None
    calibration_error: CalibrationError
    ties: Ties


def summarize(
    blocks: Iterable[np.ndarray], labels: np.ndarray, present: np.ndarray, of_probabilities: bool
) -> Summary:
    """Summarize scores, blocks of float32 (rows, classes); `labels` are int64 (N,).

    `present` are the classes with images, int64 in increasing order. `of_probabilities` tells
    whether the scores of float32 are probabilities. Of equal scores the lower class comes first,
    as for argmax.
    """
    parts, start = [], 0
    for scores in blocks:
        rows, classes = np.arange(len(scores)), np.arange(scores.shape[1])
        predicted = scores.argmax(axis=1)
        label = labels[start : start + len(scores), np.newaxis]
        own = np.take_along_axis(scores, label, axis=1)
        before = (scores > own) | ((scores == own) & (classes < label))
        parts.append(
            (
                predicted,
                probabilities(scores, of_probabilities)[rows, predicted],
                before.sum(axis=1),
                present[scores[:, present].argmax(axis=1)],
                scores[:, -1] - (0.0 if of_probabilities else scores[:, 0].astype(np.float64)),
                are_tied(scores),
            )
        )
        start += len(scores)
    return Summary(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def score_metrics(
    own: Summary, fp32: Summary | None, labels: np.ndarray, class_names: Sequence[str]
) -> ScoreMetrics:
    """Return what applies to the classes and images; `labels` are int64 (N,), `class_names` of all.

    `fp32` is None for the float32 model itself. Shares are fractions, differences in percentage
    points.
    """
    present, outputs = len(np.unique(labels)), len(class_names)
    top5: Top5 | None = None
    if outputs >= LEAST_CLASSES_FOR_TOP5:
        share, others = _share(own.ranks < 5, None if fp32 is None else fp32.ranks < 5)
        top5 = {"top5": share, **others}
    present_classes: PresentClasses | None = None
    if 1 < present < outputs:
        reference = None if fp32 is None else fp32.among_present == labels
        share, others = _share(own.among_present == labels, reference)
        present_classes = {"classes": present, "outputs": outputs, "top1": share, **others}
    error = expected_calibration_error(own.confidences, own.predicted == labels)
    delta = None
    if fp32 is not None:
        right = fp32.predicted == labels
        delta = 100 * (error - expected_calibration_error(fp32.confidences, right))
    return {
        "top5": top5,
        "present_classes": present_classes,
        "two_classes": two_classes(own, labels, class_names[1]) if outputs == 2 else None,
        "calibration_error": {"ece": error, "delta_pp": delta},
        "ties": ties(own.tied),
    }


def are_tied(scores: np.ndarray) -> np.ndarray:
    """Tell which images have a highest score that several classes share, bool (N,).

    `scores` are (N, classes). Of such classes the first one is predicted, as by argmax: the order
    of the classes decides, not the image. 8-bit logits are a few steps of one grid, and often tie.
    """
    highest = scores.max(axis=1, keepdims=True)
    tied: np.ndarray = (scores == highest).sum(axis=1) > 1
    return tied


def ties(tied: np.ndarray) -> Ties:
    """Return the number of images with a tie, `tied` is bool (N,), and their share, a fraction."""
    return {"images": int(tied.sum()), "share": float(tied.mean())}


def _share(right: np.ndarray, reference: np.ndarray | None) -> tuple[float, Share]:
    correct, total = int(right.sum()), len(right)
    return correct / total, {
        "correct": correct,
        "ci95": list(wilson_interval(correct, total)),
        "delta_pp": None if reference is None else 100 * (correct - int(reference.sum())) / total,
    }


def two_classes(own: Summary, labels: np.ndarray, positive: str) -> TwoClasses:
    """Return precision, recall, F1 and AUC of the second class, named `positive`.

    None where there is nothing to divide by: no image that is predicted so, or none of the class.
    C. J. van Rijsbergen, Information Retrieval, 1979, chapter 7.
    """
    is_second, said = labels == 1, own.predicted == 1
    both = int(np.sum(is_second & said))
    return {
        "positive": positive,
        "precision": both / int(said.sum()) if said.any() else None,
        "recall": both / int(is_second.sum()) if is_second.any() else None,
        "f1": 2 * both / total if (total := int(said.sum() + is_second.sum())) else None,
        "auc": roc_auc(own.seconds, is_second),
    }


def roc_auc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """Return the area under the receiver operating characteristic; None without both classes.

    It is the chance that an image of the class, `positive` (N,), has a higher score than one of the
    other; equal scores count half. J. A. Hanley and B. J. McNeil, Radiology 143 (1982), 29-36.
    """
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if not ones or not zeros:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # of equal scores, the mean
    return float((ranks[inverse[positive]].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def expected_calibration_error(confidences: np.ndarray, right: np.ndarray) -> float:
    """Return how far confidence is from accuracy: the mean distance over bins, as a fraction.

    `confidences`, float64 (N,), are the probabilities of the predicted classes, `right`, bool (N,),
    tells which of these are right. The bins are of equal width, and weighted by their images.
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, On Calibration of Modern Neural Networks, ICML
    2017.
    """
    bins = np.clip(np.ceil(BINS * confidences).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=right - confidences, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidences))
