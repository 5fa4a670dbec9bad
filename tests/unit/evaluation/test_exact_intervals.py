"""Intervals that hold for many at once: against scipy, published values, and summed outcomes."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from ptq_comparison.evaluation.exact_intervals import (
    clopper_pearson_interval,
    conservative_difference_interval,
)
from ptq_comparison.evaluation.metrics import paired_difference_interval
from scipy.stats import binom, binomtest


@pytest.mark.parametrize(
    ("correct", "total"), [(81, 263), (0, 20), (20, 20), (4990, 5000), (3, 50_000), (1, 1), (1, 2)]
)
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 60])
def test_clopper_pearson_equals_scipy(correct, total, alpha):
    expected = binomtest(correct, total).proportion_ci(1 - alpha, method="exact")
    low, high = clopper_pearson_interval(correct, total, alpha)
    assert (low, high) == pytest.approx(tuple(expected), abs=1e-10)
    assert low <= correct / total <= high


def test_clopper_pearson_equals_the_published_value():
    # R. G. Newcombe, Stat. Med. 17 (1998), 857-872, table I, method 5.
    assert clopper_pearson_interval(81, 263) == pytest.approx((0.2527, 0.3676), abs=5e-5)
    assert clopper_pearson_interval(0, 20) == pytest.approx((0.0, 0.1684), abs=5e-5)


def missed(interval, p_fixed, p_broken, total, alpha):
    """Return the probability of an interval without the true difference, over all outcomes."""
    result = 0.0
    for fixed in range(total + 1):
        first = binom.pmf(fixed, total, p_fixed)
        if first < 1e-9:
            continue
        seconds = binom.pmf(range(total - fixed + 1), total - fixed, p_broken / (1 - p_fixed))
        for broken, second in enumerate(seconds):
            if first * second > 1e-9:
                low, high = interval(fixed, broken, total, alpha)
                result += first * second * (not low <= p_fixed - p_broken <= high)
    return result


def tango(fixed, broken, total, alpha):
    z = NormalDist().inv_cdf(1 - alpha / 2)
    return paired_difference_interval(fixed, broken, total, z)


@pytest.mark.parametrize("tries", [1, 50])
@pytest.mark.parametrize(
    ("p_fixed", "p_broken"), [(0.001, 0.04), (0.005, 0.02), (0.02, 0.02), (0.1, 0.2), (0.3, 0.4)]
)
def test_the_interval_of_the_difference_misses_no_more_than_its_level(p_fixed, p_broken, tries):
    total, alpha = 100 if p_fixed > 0.05 else 400, 0.05 / tries
    own = missed(conservative_difference_interval, p_fixed, p_broken, total, alpha)
    print(f"{tries} tries, {p_fixed} and {p_broken}: missed {own / alpha:.2f} of the level")
    assert 0 <= own <= alpha


def test_tango_misses_more_at_the_level_of_many_tries():
    """Which is why it does not serve here."""
    alpha = 0.05 / 50
    rates = [f(0.0005, 0.04, 400, alpha) / alpha for f in (
        lambda *case: missed(tango, *case),
        lambda *case: missed(conservative_difference_interval, *case),
    )]  # fmt: skip
    print(f"of the level: Tango {rates[0]:.2f}, conservative {rates[1]:.2f}")
    assert rates[0] > 1.2 > 1 >= rates[1]


def test_the_interval_of_the_difference_is_antisymmetric_bounded_and_holds_its_value():
    generator = np.random.default_rng(0)
    for total in (1, 2, 7, 50, 4000):
        for _ in range(20):
            fixed = int(generator.integers(0, total + 1))
            broken = int(generator.integers(0, total - fixed + 1))
            low, high = conservative_difference_interval(fixed, broken, total, 0.01)
            assert -1 <= low <= (fixed - broken) / total <= high <= 1
            other = conservative_difference_interval(broken, fixed, total, 0.01)
            assert other == pytest.approx((-high, -low), abs=1e-12)
            assert math.isfinite(low) and low < high
