"""The choice among recipes: constraints, the best, its rivals, and what many tries cost."""

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from helpers.sweeps import FREE, draw_agreements, make_table
from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation.exact_intervals import clopper_pearson_interval
from ptq_comparison.evaluation.metrics import wilson_interval
from ptq_comparison.search.selection import (
    held_speeds,
    misses,
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
    assert alone["agreement"] == pytest.approx(clopper_pearson_interval(980, 1000))
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


@pytest.mark.parametrize(("recipes", "agreement"), [(10, 0.97), (50, 0.97), (50, 0.99)])
def test_simultaneous_intervals_hold_all_recipes_in_95_of_100_sweeps(recipes, agreement):
    """Wilson's at the same level do not, nor does that of one recipe: the best looks too good."""
    generator = np.random.default_rng(0)
    total, sweeps, p_fixed, p_broken = 500, 300, 0.003, 0.015
    z = NormalDist().inv_cdf(1 - 0.05 / (2 * recipes))
    covered = dict.fromkeys(("agreement", "delta_pp", "Wilson", "one"), 0)
    for _ in range(sweeps):
        agreeing = draw_agreements(generator, recipes, total, agreement, 0.3, 0).sum(axis=1)
        changes = generator.multinomial(total, [p_fixed, p_broken, 1 - p_fixed - p_broken], recipes)
        table = pd.DataFrame({"agreement": agreeing / total, "total": total})
        table[["fixed", "broken"]] = changes[:, :2]
        table["delta_pp"] = 100 * (table["fixed"] - table["broken"]) / total
        rows = [row for _, row in table.iterrows()]
        intervals = [simultaneous_intervals(row, recipes) for row in rows]
        for key, truth in (("agreement", agreement), ("delta_pp", 100 * (p_fixed - p_broken))):
            covered[key] += all(low <= truth <= high for low, high in (i[key] for i in intervals))
        wilson = [wilson_interval(int(count), total, z) for count in agreeing]
        covered["Wilson"] += all(low <= agreement <= high for low, high in wilson)
        low, high = simultaneous_intervals(rows[agreeing.argmax()], 1)["agreement"]
        covered["one"] += low <= agreement <= high
    shares = {key: f"{count / sweeps:.1%}" for key, count in covered.items()}
    print(f"{recipes} recipes, agreement {agreement}: all held in {shares} of {sweeps} sweeps")
    assert covered["agreement"] / sweeps >= 0.95 <= covered["delta_pp"] / sweeps
    assert covered["Wilson"] / sweeps < 0.95
    assert covered["one"] / sweeps < 0.95


def make_agrees(*unlike):
    """Return agreements of recipes a, b, c ... on 1,000 images, without the first ones of each."""
    return {name: np.arange(1000) >= count for name, count in zip("abcdefgh", unlike, strict=False)}


def test_of_recipes_that_the_images_cannot_tell_apart_the_fastest_then_the_smallest():
    agrees = make_agrees(10, 12, 60)
    table = make_table(agreement=[0.99, 0.988, 0.94], speedup=[1.4, 1.5, 3.0])
    assert select(table, FREE, agrees=agrees)[0] == 1
    # Hundredths of speed and of size are noise; then the one that agrees most.
    table["speedup"] = [1.401, 1.404, 3.0]
    assert select(table.assign(bytes=[100, 90, 10]), FREE, agrees=agrees)[0] == 1
    assert select(table.assign(bytes=[100_003, 100_000, 10]), FREE, agrees=agrees)[0] == 0


def test_without_speed_the_smallest_of_those_that_cannot_be_told_apart():
    table = make_table(agreement=[0.99, 0.988, 0.94], speedup=[np.nan] * 3, bytes=[100, 90, 10])
    assert select(table, FREE, agrees=make_agrees(10, 12, 60))[0] == 1
    same = table.assign(bytes=100)
    assert select(same, FREE, agrees=make_agrees(10, 12, 60))[0] == 0


def test_only_allowed_recipes_are_compared():
    """The best one is too large; of the others, the second is told from the first no more."""
    agrees = make_agrees(0, 30, 34)
    table = make_table(agreement=[1.0, 0.97, 0.966], speedup=[1, 1, 2], bytes=[900, 100, 100])
    assert select(table, FREE, agrees=agrees)[0] == 0
    chosen, allowed = select(table, {**FREE, "max_bytes": 200}, agrees=agrees)
    assert (chosen, allowed.tolist()) == (2, [False, True, True])


def test_by_interval_a_recipe_is_left_out_only_where_it_is_shown_to_lose_more():
    # Half a percentage point to either side.
    table = make_table(agreement=[0.99, 0.98, 0.97], delta_pp=[-0.81, -0.8, -0.2])
    limits = {**FREE, "max_drop_pp": 0.3}
    assert (misses(table, {**limits, "by": "point"})["max_drop_pp"] > 0).tolist() == [
        True, True, False,
    ]  # fmt: skip
    missed = misses(table, {**limits, "by": "interval"})["max_drop_pp"]
    assert missed.tolist() == pytest.approx([0.01, 0, 0])
    with pytest.raises(UserError, match=r"closest is a \(-0\.81 pp, at best -0\.31, "):
        select(table.loc[[0]], {**limits, "by": "interval"})


def test_min_speedup_holds_for_the_lower_end_of_a_speed_that_was_disturbed():
    table = make_table(agreement=[0.99, 0.99], speedup=[1.5, 1.2])
    table["speedup_ci95_low"], table["speedup_ci95_high"] = [0.9, 1.15], [2.1, 1.25]
    assert held_speeds(table).tolist() == [0.9, 1.2]
    agrees = make_agrees(10, 10)
    assert select(table, FREE, agrees=agrees)[0] == 0  # the best guess
    chosen, allowed = select(table, {**FREE, "min_speedup": 1.18}, agrees=agrees)
    assert (chosen, allowed.tolist()) == (1, [False, True])  # the steady one by its value
    with pytest.raises(UserError, match=r"0\.90 times the speed at the lower end, as other load"):
        select(table.loc[[0]], {**FREE, "min_speedup": 1.0})


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
