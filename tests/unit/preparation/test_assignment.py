"""The best assignment, against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ptq_comparison.preparation.assignment import best_assignment
from scipy.optimize import linear_sum_assignment


def check(benefit):
    columns = best_assignment(benefit)
    assert sorted(columns.tolist()) == list(range(len(benefit)))
    rows, best = linear_sum_assignment(benefit, maximize=True)
    assert benefit[range(len(benefit)), columns].sum() == benefit[rows, best].sum()


@given(
    st.integers(1, 12).flatmap(
        lambda size: arrays(np.int64, (size, size), elements=st.integers(-5, 20))
    )
)
def test_the_sum_is_that_of_scipy(benefit):
    check(benefit)


@pytest.mark.parametrize("largest", [2, 1_000, 10**12])
def test_larger_ones(largest):
    check(np.random.default_rng(largest).integers(0, largest, (60, 60)))


def test_a_thousand_classes_with_few_images():
    """As `assign` asks: a confusion matrix that is nearly empty, here of rotated classes."""
    generator, classes = np.random.default_rng(1), 1000
    confusion = np.zeros((classes, classes), np.int64)
    labels = generator.integers(0, classes, 5000)
    wrong = generator.random(5000) < 0.4
    predicted = np.where(wrong, generator.integers(0, classes, 5000), (labels + 1) % classes)
    np.add.at(confusion, (labels, predicted), 1)
    check(confusion * (classes + 1) + np.eye(classes, dtype=np.int64))


def test_what_is_assigned_by_itself_stays():
    assert best_assignment(np.diag([3, 1, 2])).tolist() == [0, 1, 2]
    assert best_assignment(np.zeros((0, 0), np.int64)).tolist() == []
