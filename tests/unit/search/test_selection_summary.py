"""The choice in words."""

import numpy as np
from helpers.sweeps import FREE, make_table
from ptq_comparison.search.selection import simultaneous_intervals
from ptq_comparison.search.selection_summary import describe_selection


def test_selection_tells_figures_rivals_and_reason():
    table = make_table(agreement=[0.99, 0.98, 0.5], speedup=[1.5, 1.5, np.nan])
    generator = np.random.default_rng(3)
    agrees = {row.recipe: generator.random(1000) < row.agreement for row in table.itertuples()}
    constraints = {**FREE, "max_drop_pp": 1.0}
    allowed = np.array([True, True, False])
    selection = describe_selection(table, 0, allowed, agrees, constraints, step_count=5)
    assert selection["recipe"] == "a"
    assert selection["recipes"] == 3
    assert selection["tried"] == 7  # one of the three is the last of five steps
    wide = simultaneous_intervals(table.loc[0], 7)
    assert selection["validation"]["agreement_ci95_all_recipes"] == wide["agreement"]
    assert selection["validation"]["delta_ci95_pp_all_recipes"] == wide["delta_pp"]
    assert selection["allowed"] == 2
    assert selection["validation"]["agreement"] == 0.99
    assert selection["not_worse"] in ([], ["b"])
    assert [row["recipe"] for row in selection["pareto"]] == ["a"]
    assert "Of 3 recipes, 2 lose at most 1.0 pp of accuracy." in selection["reason"]
    assert "which holds for all 7 tries at once" in selection["reason"]


def test_a_recipe_without_rivals_was_not_tested_against_any():
    table = make_table(agreement=[0.99, 0.98])
    agrees = {"a": np.ones(1000, bool), "b": np.ones(1000, bool)}
    constraints = {**FREE, "max_drop_pp": 1.0, "max_bytes": 2000}
    reason = describe_selection(table, 0, np.array([True, False]), agrees, constraints, 1)["reason"]
    assert reason.startswith(
        "Of 2 recipes, a is the only one to lose at most 1.0 pp of accuracy and have at most 2,000 "
        "bytes. It agrees with float32 on 99.00% of 1,000 validation images (95 % interval "
    )
    assert "McNemar" not in reason and "often" not in reason
    assert reason.endswith(" The test images had no part in the choice.")


def test_recipes_that_could_not_be_made_are_no_tries_and_are_named():
    table = make_table(agreement=[0.99, 0.98])
    agrees = {"a": np.ones(1000, bool), "b": np.ones(1000, bool)}
    both = np.array([True, True])
    reasons = {"lost": "no kernel; exclude it"}
    selection = describe_selection(table, 0, both, agrees, FREE, 3, reasons)
    assert (selection["recipes"], selection["tried"], selection["allowed"]) == (3, 4, 2)
    assert selection["not_made"] == [{"recipe": "lost", "reason": "no kernel; exclude it"}]
    assert selection["reason"].startswith("Of 3 recipes, 2 are asked for nothing.")
    assert "1 of 3 recipes could not be made: lost (no kernel; exclude it)." in selection["reason"]
    without_auto = describe_selection(table, 0, both, agrees, FREE, 0, {"auto": "no kernel"})
    assert without_auto["tried"] == 2
    assert describe_selection(table, 0, both, agrees, FREE, 3)["not_made"] == []


def make_agrees(*unlike):
    """Return agreements of recipes a, b, c ... on 1,000 images, without the first ones of each."""
    return {name: np.arange(1000) >= count for name, count in zip("abcdefgh", unlike, strict=False)}


def test_the_one_that_agrees_most_is_named_beside_the_fastest():
    table = make_table(agreement=[0.99, 0.988, 0.987, 0.9], speedup=[1.4, 1.5, 1.3, 3.0])
    agrees, everyone = make_agrees(10, 12, 13, 100), np.ones(4, bool)
    selection = describe_selection(table, 1, everyone, agrees, FREE, 1)
    assert (selection["recipe"], selection["best"]["recipe"]) == ("b", "a")
    assert selection["validation"]["agreement"] == 0.988
    assert selection["not_worse"] == ["a", "c"]
    assert (
        "The images cannot tell it from b, c (McNemar's statistic, all pairs at once). Of them "
        "all, b is the fastest (1.50 times float32). It agrees on 98.80%, a on 99.00%, at 1.40 "
        "times float32."
    ) in selection["reason"]
    # The same, where the one that agrees most is the fastest itself, and without speeds.
    selection = describe_selection(table, 0, everyone, agrees, FREE, 1)
    assert selection["best"] is None and selection["not_worse"] == ["b", "c"]
    untimed = table.assign(speedup=np.nan, bytes=[9, 8, 9, 9])
    reason = describe_selection(untimed, 1, everyone, agrees, FREE, 1)["reason"]
    assert "Of them all, b is the smallest. It agrees on 98.80%, a on 99.00%." in reason


def test_what_the_constraints_leave_out_is_counted_and_how():
    table = make_table(agreement=[0.99, 0.98, 0.97, 0.9], delta_pp=[-0.4, -2.0, -3.0, 0.0])
    limits = {**FREE, "by": "interval", "max_drop_pp": 0.3, "min_speedup": 1.0}
    table.loc[2:, "speedup"] = 0.5
    allowed = np.array([True, False, False, False])
    selection = describe_selection(table, 0, allowed, make_agrees(1, 2, 3, 4), limits, 1)
    assert selection["left_out"] == {"max_drop_pp": 2, "min_speedup": 2, "max_bytes": 0}
    reason = selection["reason"]
    assert reason.startswith(
        "Of 4 recipes, a is the only one to not be shown to lose more than 0.3 pp of accuracy and "
        "have at least 1.0 times the speed of float32. It agrees "
    )
    assert (
        "Left out: 2 by max_drop_pp (the whole 95 % interval of the loss lies beyond it), 2 by "
        "min_speedup; one may miss several. The measured loss of a is 0.40 pp, but the 95 % "
        "interval of the difference, -0.90 to +0.10 pp, reaches within 0.3 pp."
    ) in reason
    by_point = describe_selection(
        table, 0, allowed, make_agrees(1, 2, 3, 4), {**limits, "by": "point", "max_drop_pp": 1}, 1
    )["reason"]
    assert "2 by max_drop_pp (as measured)" in by_point and "measured loss of" not in by_point


def test_speeds_that_were_disturbed_are_named():
    table = make_table(agreement=[0.99, 0.98])
    agrees, both = make_agrees(1, 2), np.ones(2, bool)
    assert describe_selection(table, 0, both, agrees, FREE, 1)["disturbed"] == []
    table["speedup_ci95_high"] = [1.03, 1.3]
    selection = describe_selection(table, 0, both, agrees, FREE, 1)
    assert selection["disturbed"] == ["b"]
    assert (
        "Other load disturbed the speed of b: which of them is the fastest is less sure."
        in selection["reason"]
    )
    asked = {**FREE, "min_speedup": 0.5}
    assert (
        "of b: min_speedup holds there for the lower end of the 95 % interval."
        in describe_selection(table, 0, both, agrees, asked, 1)["reason"]
    )
