"""Accuracy, paired comparisons and their intervals, against scipy and statsmodels."""

import math
from itertools import product
from statistics import NormalDist

import numpy as np
import pytest
from ptq_comparison.evaluation.metrics import (
    accuracy,
    confusion_matrix,
    enclose,
    holm,
    mcnemar_exact_p,
    paired_comparison,
    paired_difference_interval,
    per_class_accuracy,
    unpaired_difference_interval,
    wilson_interval,
)
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint


@pytest.mark.parametrize(("correct", "total"), [(81, 263), (0, 20), (20, 20), (8719, 10000)])
def test_wilson_interval_equals_scipy_and_statsmodels(correct, total):
    expected = binomtest(correct, total).proportion_ci(0.95, method="wilson")
    assert wilson_interval(correct, total) == pytest.approx(tuple(expected), abs=1e-12)
    expected = proportion_confint(correct, total, method="wilson")
    assert wilson_interval(correct, total) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("fixed", "broken"), [(1, 7), (7, 1), (5, 5), (120, 90), (0, 1), (0, 40), (30_000, 31_000)]
)
def test_mcnemar_p_equals_scipy_and_statsmodels(fixed, broken):
    expected = binomtest(fixed, fixed + broken, 0.5).pvalue
    assert mcnemar_exact_p(fixed, broken) == pytest.approx(expected, rel=1e-10)
    expected = mcnemar([[10, fixed], [broken, 10]], exact=True).pvalue
    assert mcnemar_exact_p(fixed, broken) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("right", [True, False])
def test_no_disagreement_at_all(right):
    """Everything right or everything wrong, by both: no difference, no evidence of one."""
    labels = np.arange(50) % 10
    predicted = labels if right else (labels + 1) % 10
    result = paired_comparison(predicted, predicted.copy(), labels)
    assert result["correct"] == (50 if right else 0)
    assert (result["fixed"], result["broken"], result["delta_pp"]) == (0, 0, 0.0)
    assert result["agreement"] == 1.0 and result["mcnemar_p"] == 1.0
    low, high = result["delta_ci95_pp"]
    assert low == pytest.approx(-high) and 0 < high < 10


def test_all_wrong_against_all_right():
    labels = np.arange(50) % 10
    result = paired_comparison((labels + 1) % 10, labels, labels)
    assert (result["fixed"], result["broken"], result["delta_pp"]) == (0, 50, -100.0)
    assert result["mcnemar_p"] == pytest.approx(2 * 0.5**50)
    # Solved by hand: (total - z2) / (total + z2), as Wilson's interval of 0 of 50, doubled.
    z2 = NormalDist().inv_cdf(0.975) ** 2
    assert result["delta_ci95_pp"] == pytest.approx([-100, -100 * (50 - z2) / (50 + z2)])


def test_wilson_interval_equals_the_published_value():
    # R. G. Newcombe, Stat. Med. 17 (1998), 857-872, table I, method 3.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_an_interval_holds_its_value_exactly():
    """Without any tolerance, for all small counts and some large ones, at several levels."""
    generator = np.random.default_rng(0)
    pairs = [(correct, total) for total in range(1, 101) for correct in range(total + 1)]
    for total in generator.integers(100, 100_000, 500).tolist():
        pairs += [(0, total), (total, total), (int(generator.integers(total + 1)), total)]
    for (correct, total), z in product(pairs, (1e-9, 0.5, 1.959963984540054, 4.0)):
        low, high = wilson_interval(correct, total, z)
        assert 0 <= low <= correct / total <= high <= 1, (correct, total, z)
    low, high = accuracy(60, 60)["ci95"]
    assert low < high == 1


def test_a_paired_interval_holds_its_difference_exactly():
    generator = np.random.default_rng(1)
    triples = [
        (fixed, broken, total)
        for total in range(1, 13)
        for fixed in range(total + 1)
        for broken in range(total + 1 - fixed)
    ]
    for total in generator.integers(13, 50_000, 300).tolist():
        fixed = int(generator.integers(min(total, 300)))
        triples += [(fixed, min(fixed, total - fixed), total), (fixed, 0, total), (0, fixed, total)]
    for (fixed, broken, total), z in product(triples, (1e-9, 1.959963984540054)):
        low, high = paired_difference_interval(fixed, broken, total, z)
        assert -1 <= low <= (fixed - broken) / total <= high <= 1, (fixed, broken, total, z)
    for fixed, broken, total in triples[::20]:
        labels = np.zeros(total, int)
        own, fp32 = labels.copy(), labels.copy()
        fp32[:fixed], own[total - broken :] = 1, 1
        result = paired_comparison(own, fp32, labels)
        low, high = result["delta_ci95_pp"]
        assert low <= result["delta_pp"] <= high, (fixed, broken, total)


def test_enclosing_changes_nothing_but_what_is_beside_the_value():
    assert enclose((0.1, 0.3), 0.2) == (0.1, 0.3)
    assert enclose((0.1, 1 - 2**-53), 1.0) == (0.1, 1.0)
    assert enclose([2**-60, 0.1], 0.0) == (0.0, 0.1)


def test_mcnemar_p_is_twice_the_smaller_binomial_tail():
    tail = sum(math.comb(8, k) for k in range(2)) / 2**8
    assert mcnemar_exact_p(1, 7) == pytest.approx(2 * tail)
    assert mcnemar_exact_p(7, 1) == pytest.approx(2 * tail)
    assert mcnemar_exact_p(5, 5) == 1.0
    assert mcnemar_exact_p(0, 0) == 1.0


def test_paired_interval_equals_the_published_value():
    # Airway hyper-responsiveness, 21 pairs: M. W. Fagerland, S. Lydersen and P. Laake,
    # Stat. Med. 33 (2014), 2850-2875, Tango's interval.
    assert paired_difference_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


def tango_by_brute_force(fixed: int, broken: int, total: int) -> list[float]:
    """Find the interval without formula or root finder: maximum likelihood and score on a grid."""
    z = NormalDist().inv_cdf(0.975)
    inside = []
    for delta in np.linspace(-0.999, 0.999, 20001):
        # Maximum likelihood of the probability of `broken` by brute force, under the given delta.
        q = np.linspace(max(0, -delta) + 1e-9, (1 - delta) / 2 - 1e-9, 801)
        rest = np.maximum(1 - 2 * q - delta, 1e-300)
        likelihood = (
            fixed * np.log(q + delta) + broken * np.log(q) + (total - fixed - broken) * np.log(rest)
        )
        best = q[np.argmax(likelihood)]
        deviation = abs(fixed - broken - total * delta)
        if deviation <= z * math.sqrt(total * (2 * best + delta - delta**2)):
            inside.append(float(delta))
    return [min(inside), max(inside)]


@pytest.mark.parametrize(("fixed", "broken", "total"), [(3, 12, 60), (40, 20, 160)])
def test_paired_interval_equals_brute_force_maximum_likelihood(fixed, broken, total):
    expected = tango_by_brute_force(fixed, broken, total)
    assert paired_difference_interval(fixed, broken, total) == pytest.approx(expected, abs=5e-4)


def test_paired_interval_covers_the_truth():
    """Exact coverage: the probability, over all outcomes, of an interval that holds the truth."""
    total, p_fixed, p_broken = 40, 0.05, 0.10
    truth = p_fixed - p_broken
    coverage = 0.0
    for fixed, broken in product(range(total + 1), repeat=2):
        rest = total - fixed - broken
        if rest < 0:
            continue
        ways = math.comb(total, fixed) * math.comb(total - fixed, broken)
        probability = ways * p_fixed**fixed * p_broken**broken * (1 - p_fixed - p_broken) ** rest
        if probability > 1e-9:
            low, high = paired_difference_interval(fixed, broken, total)
            coverage += probability * (low <= truth <= high)
    assert 0.94 < coverage < 0.97


def test_paired_interval_without_disagreement_is_symmetric_and_not_empty():
    z2 = NormalDist().inv_cdf(0.975) ** 2
    low, high = paired_difference_interval(0, 0, 1000)
    assert (low, high) == pytest.approx((-z2 / (1000 + z2), z2 / (1000 + z2)))


def test_paired_interval_is_antisymmetric_and_bounded():
    low, high = paired_difference_interval(3, 9, 100)
    assert paired_difference_interval(9, 3, 100) == pytest.approx((-high, -low))
    assert paired_difference_interval(50, 0, 50)[1] == 1.0
    assert paired_difference_interval(0, 50, 50)[0] == -1.0


def test_paired_comparison_counts_what_broke_and_what_was_fixed():
    labels = np.array([0, 0, 1, 1, 2, 2, 2, 2])
    baseline = np.array([0, 0, 1, 2, 2, 2, 0, 1])
    predicted = np.array([0, 1, 1, 1, 2, 0, 1, 1])
    result = paired_comparison(predicted, baseline, labels)
    assert (result["fixed"], result["broken"]) == (1, 2)
    assert result["correct"] == 5 and result["top1"] == 5 / 8
    assert result["agreement"] == 4 / 8
    assert result["agreement_ci95"] == list(wilson_interval(4, 8))
    assert result["delta_pp"] == pytest.approx(-12.5)
    low, high = result["delta_ci95_pp"]
    assert low < -12.5 < high


def test_accuracy_of_nothing_right():
    result = accuracy(0, 50)
    assert result["top1"] == 0.0 and result["ci95"][0] == 0.0 and result["ci95"][1] > 0.05


def test_confusion_matrix_has_labels_in_rows():
    matrix = confusion_matrix(np.array([0, 2, 2, 1]), np.array([0, 1, 1, 2]), 3)
    assert matrix.tolist() == [[1, 0, 0], [0, 0, 2], [0, 1, 0]]


def test_confusion_matrix_of_some_classes_counts_all_others_together():
    predicted, labels = np.array([3, 0, 5, 5, 4, 3]), np.array([3, 3, 5, 5, 5, 3])
    assert confusion_matrix(predicted, labels, 6).tolist() == [[2, 0, 1], [0, 2, 1]]


def test_a_class_without_images_has_no_row():
    names = ["cat", "none", "dog"]
    predicted, baseline, labels = np.array([0, 0, 2]), np.array([0, 1, 1]), np.array([0, 0, 2])
    assert per_class_accuracy(predicted, baseline, labels, names) == [
        {"class": "cat", "correct": 2, "total": 2, "top1": 1.0, "delta_pp": 50.0},
        {"class": "dog", "correct": 1, "total": 1, "top1": 1.0, "delta_pp": 100.0},
    ]
    assert per_class_accuracy(predicted, None, labels, names)[1]["delta_pp"] is None


def test_holm_equals_statsmodels():
    generator = np.random.default_rng(1)
    for count in (1, 2, 7, 30):
        p_values = (generator.random(count) ** 3).tolist()
        expected = multipletests(p_values, method="holm")[1]
        assert holm(p_values) == pytest.approx(expected)
    assert holm([]) == []


@pytest.mark.parametrize(
    "counts", [(56, 70, 48, 80), (9, 10, 3, 10), (0, 20, 0, 30), (20, 20, 0, 30), (5, 5, 7, 7)]
)
def test_unpaired_interval_equals_statsmodels(counts):
    expected = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    assert unpaired_difference_interval(*counts) == pytest.approx(expected, abs=1e-12)


def test_unpaired_interval_equals_the_published_value():
    """Example (a) of Newcombe's table II: 56 of 70 and 48 of 80."""
    low, high = unpaired_difference_interval(56, 70, 48, 80)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)
