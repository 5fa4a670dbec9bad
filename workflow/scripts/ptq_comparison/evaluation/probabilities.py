"""Probabilities of the classes, from what a model ends in."""

import numpy as np

# Where the rows of the float32 scores sum to one within this, they are probabilities.
SUM_TOLERANCE = 1e-3


def are_probabilities(scores: np.ndarray) -> bool:
    """Tell whether the scores of float32, (N, classes), are probabilities; else they are logits.

    Those of a quantized model cannot tell: its softmax does not sum to exactly one.
    """
    sums = scores.sum(axis=1, dtype=np.float64)
    return bool(scores.min() >= 0 and np.allclose(sums, 1, rtol=0, atol=SUM_TOLERANCE))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities, float64 (N, classes)."""
    values = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(values / values.sum(axis=1, keepdims=True))


def probabilities(scores: np.ndarray, of_probabilities: bool) -> np.ndarray:
    """Return rows that sum to one, float64 (N, classes), from scores of any model.

    `of_probabilities` tells whether those of float32 are such. In 8 bits they are rounded, some
    rows to nothing but zeros, in which all classes are equal.
    """
    if not of_probabilities:
        return softmax(scores)
    values = np.maximum(scores.astype(np.float64), 0)
    sums = values.sum(axis=1, keepdims=True)
    return np.where(sums > 0, values / np.where(sums > 0, sums, 1), 1 / values.shape[1])
