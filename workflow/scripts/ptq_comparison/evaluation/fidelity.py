"""How near the scores of a quantized model are to those of float32 on the same images."""

from typing import TypedDict

import numpy as np

from ptq_comparison.evaluation.metrics import wilson_interval
from ptq_comparison.evaluation.probabilities import are_probabilities, softmax

# Of the probability of an image, the part that all classes together get at least.
LEAST_PROBABILITY = 0.01


class Fidelity(TypedDict):
    agreement: float
    agreement_ci95: list[float]
    kl_divergence: float
    sqnr_db: float | None


def fidelity(reference_scores: np.ndarray, scores: np.ndarray) -> Fidelity:
    """Compare scores with those of float32; both are float32 (N, classes).

    `agreement` is the share of images that both models put into the same class, with its 95 %
    Wilson interval; `kl_divergence` is in nats, `sqnr_db` in dB.
    """
    equal = scores.argmax(axis=1) == reference_scores.argmax(axis=1)
    return {
        "agreement": float(np.mean(equal)),
        "agreement_ci95": list(wilson_interval(int(np.sum(equal)), len(equal))),
        "kl_divergence": kl_divergence(reference_scores, scores),
        "sqnr_db": sqnr_db(reference_scores, scores),
    }


def kl_divergence(reference_scores: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean over images of KL(float32 || quantized) of the class probabilities, in nats.

    Both are float32 (N, classes): probabilities, or logits, which softmax turns into them. The
    float32 scores tell which of the two, since an 8-bit softmax does not sum to exactly one. It
    also rounds small probabilities to 0, where the divergence is infinite. Probabilities of both
    models are therefore raised to at least `LEAST_PROBABILITY` / classes, and divided by their sum.
    (With 1e-7, the rounding of the softmax, which changes hardly a prediction, outweighed all
    convolutions of ResNet8; 0.01 changes the divergence of the others by 2 % at most.)
    S. Kullback and R. A. Leibler, Ann. Math. Stat. 22 (1951), 79-86.
    """
    given = are_probabilities(reference_scores)
    p, q = (_raised(x if given else softmax(x)) for x in (reference_scores, scores))
    return float(np.mean(np.sum(p * np.log(p / q), axis=1)))


def _raised(probabilities: np.ndarray) -> np.ndarray:
    values = probabilities.astype(np.float64)
    values = np.maximum(values, LEAST_PROBABILITY / values.shape[1])
    return np.asarray(values / values.sum(axis=1, keepdims=True))


def sqnr_db(reference: np.ndarray, output: np.ndarray) -> float | None:
    """Return the ratio of the power of the float32 output to that of the error, in decibels.

    Both are float32 (N, classes); the power is taken over all images and classes. None where the
    ratio is not a finite number, which JSON could not hold: equal outputs, or a reference of zeros.
    """
    exact = reference.astype(np.float64)
    signal, noise = np.sum(exact**2), np.sum((exact - output) ** 2)
    if not signal or not noise:
        return None
    return 10 * float(np.log10(signal / noise))
