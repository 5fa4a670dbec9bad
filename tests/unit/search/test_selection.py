"""The choice among recipes: constraints, the best, its rivals, and what many tries cost."""

import numpy as np
import pytest
from helpers.sweeps import FREE, make_table
from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation.metrics import mcnemar_exact_p, wilson_interval
from ptq_comparison.search.selection import (
    misses,
    not_worse,
    pareto_front,
    select,
    simultaneous_intervals,
)


def test_the_recipe_that_agrees_best_is_chosen_of_equals_the_faster_then_the_smaller():
    chosen, allowed = select(make_table(agreement=[0.9, 0.95, 0.8]), FREE)
    assert chosen == 1
    assert allowed.all()
    assert select(make_table(agreement=[0.9, 0.9, 0.9], speedup=[1, 2, 1.5]), FREE)[0] == 1
    assert select(make_table(agreement=[0.9] * 3, bytes=[30, 20, 10]), FREE)[0] == 2


def test_constraints_leave_out_the_best():
    table = make_table(
        agreement=[0.99, 0.98, 0.97, 0.96],
        delta_pp=[-2.0, -0.3, 0.5, 0.0],
        speedup=[2.0, 0.9, 1.4, 1.4],
        bytes=[90, 90, 200, 90],
    )
    assert select(table, {**FREE, "max_drop_pp": 0.3})[0] == 1
    assert select(table, {**FREE, "max_drop_pp": 0.3, "min_speedup": 1.3})[0] == 2
    chosen, allowed = select(table, {"max_drop_pp": 0.3, "min_speedup": 1.3, "max_bytes": 100})
    assert chosen == 3
    assert allowed.tolist() == [False, False, False, True]


def test_a_drop_of_exactly_the_limit_is_within_it():
    # 3 of 1,000 images, in percentage points: -0.3 is no binary fraction.
    table = make_table(agreement=[0.9], delta_pp=[100 * -3 / 1000])
    assert misses(table, {**FREE, "max_drop_pp": 0.3}).to_numpy().sum() == 0


def test_nothing_qualifies_and_the_closest_miss_is_named():
    table = make_table(agreement=[0.99, 0.98], delta_pp=[-0.5, -0.1], speedup=[1.0, 1.2])
    with pytest.raises(UserError, match=r"max_drop_pp 0\.2, min_speedup 1\.3; closest is b "):
        select(table, {"max_drop_pp": 0.2, "min_speedup": 1.3, "max_bytes": None})


def test_speed_that_was_not_measured_cannot_be_asked_for():
    table = make_table(agreement=[0.99], speedup=[np.nan])
    with pytest.raises(UserError, match=r"recommend\.min_speedup: speed was not measured"):
        select(table, {**FREE, "min_speedup": 1.0})
    assert select(table, FREE)[0] == 0


def test_a_recipe_whose_speed_is_missing_beside_others_does_not_meet_one():
    """The recipe that shares its speed could not be made."""
    table = make_table(agreement=[0.99, 0.98], speedup=[np.nan, 1.2])
    chosen, allowed = select(table, {**FREE, "min_speedup": 1.0})
    assert (chosen, allowed.tolist()) == (1, [False, True])
    with pytest.raises(UserError, match=r"none of 2 .*, and 3 could not be made; closest is b"):
        select(table, {**FREE, "min_speedup": 1.3}, not_made=3)


def test_intervals_widen_with_the_number_of_recipes_tried():
    row = make_table(agreement=[0.98]).loc[0]
    alone, many = simultaneous_intervals(row, 1), simultaneous_intervals(row, 50)
    assert alone["agreement"] == pytest.approx(wilson_interval(980, 1000))
    for key in ("agreement", "delta_pp"):
        assert many[key][0] < alone[key][0] < alone[key][1] < many[key][1]


def test_intervals_of_many_hold_the_values_of_the_row_exactly():
    generator = np.random.default_rng(4)
    for total in range(1, 200):
        agreeing, fixed, broken = generator.integers(0, total + 1, 3) // [1, 2, 2]
        for agreement in (agreeing / total, 0.0, 1.0):
            delta = 100 * (fixed - broken) / total
            figures = {"total": total, "fixed": fixed, "broken": broken, "delta_pp": delta}
            row = make_table(agreement=[agreement], **figures).loc[0]
            intervals = simultaneous_intervals(row, 40)
            for key in ("agreement", "delta_pp"):
                assert intervals[key][0] <= row[key] <= intervals[key][1], (key, figures)


def test_simultaneous_intervals_cover_all_recipes_in_95_of_100_sweeps():
    """Also the chosen one's, whose own interval of 95 % does not: the best of 40 looks too good."""
    generator = np.random.default_rng(0)
    truth, total, recipes, sweeps = 0.97, 1000, 40, 400
    covered = {1: 0, recipes: 0}
    for _ in range(sweeps):
        best = generator.binomial(total, truth, recipes).max()
        row = make_table(agreement=[best / total]).loc[0]
        for tried in covered:
            low, high = simultaneous_intervals(row, tried)["agreement"]
            covered[tried] += low <= truth <= high
    assert covered[recipes] / sweeps >= 0.95
    assert covered[1] / sweeps < 0.8


def test_rivals_are_those_that_the_images_cannot_tell_from_the_chosen_one():
    agrees = {name: np.ones(1000, bool) for name in ("best", "near", "far")}
    agrees["near"][:5] = False
    agrees["far"][:40] = False
    assert mcnemar_exact_p(5, 0) > 0.05 > mcnemar_exact_p(40, 0)
    assert not_worse("best", agrees) == ["near"]


def test_pareto_front_against_brute_force():
    generator = np.random.default_rng(2)
    table = make_table(
        agreement=generator.integers(1, 5, 8) / 5,
        speedup=generator.integers(1, 4, 8) * 1.0,
        bytes=1024 * generator.integers(1, 4, 8),
    )

    def beats(a, b):
        good = [a.agreement >= b.agreement, a.speedup >= b.speedup, a.bytes <= b.bytes]
        better = [a.agreement > b.agreement, a.speedup > b.speedup, a.bytes < b.bytes]
        return all(good) and any(better)

    rows = list(table.itertuples())
    expected = [b.recipe for b in rows if not any(beats(a, b) for a in rows)]
    assert pareto_front(table) == expected
    assert 0 < len(expected) < 8


def test_a_few_bytes_and_thousandths_of_speed_beat_nothing():
    table = make_table(
        agreement=[0.99, 0.98, 0.97], bytes=[2050, 2049, 2048], speedup=[1.471, 1.472, 1.6]
    )
    assert pareto_front(table) == ["a", "c"]
