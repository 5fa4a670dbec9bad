"""The choice in words."""

import numpy as np
from helpers.sweeps import FREE, make_table
from ptq_comparison.search.selection import (
    simultaneous_intervals,
)
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
