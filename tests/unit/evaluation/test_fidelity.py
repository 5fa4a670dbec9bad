"""How near two models are: against scipy, and at the edges."""

import numpy as np
import pytest
from ptq_comparison.evaluation.fidelity import LEAST_PROBABILITY, fidelity, kl_divergence, sqnr_db
from ptq_comparison.evaluation.metrics import wilson_interval
from scipy.special import rel_entr, softmax
from scipy.stats import entropy

GENERATOR = np.random.default_rng(3)
LOGITS = GENERATOR.normal(0, 3, (50, 10)).astype(np.float32)
NOISY = (LOGITS + GENERATOR.normal(0, 0.5, LOGITS.shape)).astype(np.float32)


def expected(logits, others):
    least = LEAST_PROBABILITY / logits.shape[1]
    p, q = (np.maximum(softmax(x.astype(float), axis=1), least) for x in (logits, others))
    return entropy(p, q, axis=1).mean()  # scipy divides by the sums


def test_agreement_is_the_share_of_equal_classes():
    scores, reference = (np.eye(5)[classes] for classes in ([1, 2, 3, 4], [1, 2, 0, 4]))
    measured = fidelity(reference, scores)
    assert measured["agreement"] == 0.75
    assert measured["agreement_ci95"] == list(wilson_interval(3, 4))
    assert measured["kl_divergence"] == kl_divergence(reference, scores)
    assert measured["sqnr_db"] == sqnr_db(reference, scores)


def test_divergence_of_logits_is_that_of_their_probabilities():
    assert kl_divergence(LOGITS, NOISY) == pytest.approx(expected(LOGITS, NOISY), rel=1e-4)
    p, q = softmax(LOGITS, axis=1), softmax(NOISY, axis=1)
    assert kl_divergence(p, q) == pytest.approx(expected(LOGITS, NOISY), rel=1e-4)


def test_divergence_has_a_direction():
    forward, backward = kl_divergence(LOGITS, NOISY), kl_divergence(NOISY, LOGITS)
    assert forward == pytest.approx(expected(LOGITS, NOISY), rel=1e-4)
    assert backward == pytest.approx(expected(NOISY, LOGITS), rel=1e-4)
    assert abs(forward - backward) > 0.01 * forward


def test_large_logits_do_not_overflow():
    assert kl_divergence(1000 * LOGITS, 1000 * LOGITS) == 0
    assert 0.1 < kl_divergence(1000 * LOGITS, 1000 * NOISY) < np.log(10 / LEAST_PROBABILITY)


def test_a_zero_of_an_8_bit_softmax_counts_as_the_floor():
    """Rows are divided by their sum, 0.9375 and 1.005, so that they stay probabilities."""
    p = np.array([[0.75, 0.25], [0.5, 0.5]], np.float32)
    q = np.array([[0.75, 0.1875], [1.0, 0.0]], np.float32)
    first = 0.75 * np.log(0.75 / 0.8) + 0.25 * np.log(0.25 / 0.2)
    second = 0.5 * np.log(0.5 * 1.005) + 0.5 * np.log(0.5 * 1.005 / 0.005)
    assert kl_divergence(p, q) == pytest.approx((first + second) / 2, abs=1e-6)


def test_the_floor_hides_what_rounding_the_scores_does_and_little_else():
    p, q = (softmax(x.astype(float), axis=1) for x in (LOGITS, NOISY))
    exact = rel_entr(p, q).sum(axis=1).mean()
    assert kl_divergence(LOGITS, NOISY) == pytest.approx(exact, rel=0.02)
    rounded = np.round(p * 256) / 256
    assert (rounded == 0).any()
    assert kl_divergence(p, rounded) < 0.02 * exact


def test_probabilities_of_zero_in_float32_add_nothing():
    p = np.array([[1.0, 0.0, 0.0]], np.float32)
    assert kl_divergence(p, p) == 0
    q = np.array([[0.5, 0.5, 0.0]], np.float32)
    assert kl_divergence(p, q) == pytest.approx(np.log(2), rel=0.05)


def test_the_float32_scores_tell_whether_they_are_logits():
    """The quantized ones may sum to one by chance, or not although they are probabilities."""
    p = np.array([[0.9, 0.1]], np.float32)
    coarse = np.array([[0.9, 0.2]], np.float32)
    assert kl_divergence(p, coarse) == pytest.approx(
        rel_entr([0.9, 0.1], np.array([0.9, 0.2]) / 1.1).sum(), rel=1e-5
    )
    logits = np.array([[2.0, -1.0]], np.float32)  # sums to one, but has a negative entry
    assert kl_divergence(logits, p) == pytest.approx(expected(logits, p), rel=1e-5)


def test_sqnr_is_in_decibels_of_power():
    signal = np.array([[3.0, 4.0], [0.0, 5.0]], np.float32)
    assert sqnr_db(signal, 1.1 * signal) == pytest.approx(20, abs=1e-4)
    assert sqnr_db(signal, signal + np.float32(0.5)) == pytest.approx(10 * np.log10(50), abs=1e-4)
    assert sqnr_db(signal, 4 * signal) == pytest.approx(-20 * np.log10(3), abs=1e-4)


def test_sqnr_without_noise_or_signal_is_none():
    ones, zeros = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    assert sqnr_db(ones, ones) is None
    assert sqnr_db(zeros, ones) is None
