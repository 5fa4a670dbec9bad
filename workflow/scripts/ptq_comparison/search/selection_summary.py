"""The choice among the recipes for people: values, rivals, and the reason in words."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

import numpy as np
import pandas as pd

from ptq_comparison.common.not_made import summarize_not_made
from ptq_comparison.config.recipes import AUTO
from ptq_comparison.search.selection import (
    LIMITS,
    Constraints,
    disturbed_speeds,
    misses,
    most_agreeing,
    pareto_front,
    simultaneous_intervals,
)
from ptq_comparison.search.selection_words import describe_choice, describe_limits
from ptq_comparison.search.told_apart import not_worse


class RecipeValues(TypedDict):
    """What a row of the sweep tells about a recipe; speed is None where it was not measured."""

    recipe: str
    top1: float
    correct: int
    total: int
    delta_pp: float
    delta_ci95_low_pp: float
    delta_ci95_high_pp: float
    agreement: float
    kl_divergence: float
    sqnr_db: float | None
    bytes: int
    images_per_second: float | None
    speedup: float | None
    speedup_ci95_low: float | None
    speedup_ci95_high: float | None


def describe_selection(
    table: pd.DataFrame,
    chosen: int,
    allowed: np.ndarray,
    agrees: Mapping[str, np.ndarray],
    constraints: Constraints,
    step_count: int,
    not_made: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the content of selection.json; `chosen` and `allowed` are what `select` returns.

    `best` is the recipe that agrees most often, None where that is the chosen one; `not_worse` are
    all others that the images do not tell from the two, and `left_out` counts what each constraint
    excludes. Of the recipes in `disturbed`, `min_speedup` holds for the lower end of the interval.
    `auto` is the best of `step_count` steps, each of which is one more try on the same images.
    `table` holds the recipes that could be made, `not_made` are the reasons of others, by name.
    """
    reasons = not_made or {}
    count, rows = len(table) + len(reasons), table[allowed]
    best, row = most_agreeing(rows), table.loc[chosen]
    tried = len(table) - (AUTO not in reasons) + step_count
    intervals = simultaneous_intervals(row, tried)
    name, best_name = str(row["recipe"]), str(table.loc[best, "recipe"])
    equals = not_worse(best_name, {key: agrees[key] for key in rows["recipe"]})
    others = [key for key in rows["recipe"] if key in (best_name, *equals) and key != name]
    missed = misses(table, constraints)
    left_out = {key: int((missed[key] > 0).sum()) for key in LIMITS}
    disturbed = list(table["recipe"][disturbed_speeds(table)])
    sentences = [
        *describe_choice(rows, chosen, best, others, constraints, count, tried),
        *describe_limits(row, constraints, left_out, disturbed),
        *([summarize_not_made(reasons, count)] if reasons else []),
        "The test images had no part in the choice.",
    ]
    return {
        "recipe": name,
        "constraints": constraints,
        "recipes": count,
        "not_made": [{"recipe": key, "reason": value} for key, value in reasons.items()],
        "tried": tried,
        "allowed": len(rows),
        "left_out": left_out,
        "disturbed": disturbed,
        "validation": {
            **_values(row),
            "agreement_ci95": [row["agreement_ci95_low"], row["agreement_ci95_high"]],
            "agreement_ci95_all_recipes": intervals["agreement"],
            "delta_ci95_pp": [row["delta_ci95_low_pp"], row["delta_ci95_high_pp"]],
            "delta_ci95_pp_all_recipes": intervals["delta_pp"],
        },
        "best": None if best == chosen else _values(table.loc[best]),
        "not_worse": others,
        "pareto": [
            _values(other)
            for _, other in table[table["recipe"].isin(pareto_front(table))].iterrows()
        ],
        "reason": " ".join(sentences),
    }


def _values(row: pd.Series) -> RecipeValues:
    """Return the values of a row as JSON has them, None for what was not measured."""
    values = {key: row[key] for key in RecipeValues.__annotations__}
    return cast(
        RecipeValues,
        {
            key: None if pd.isna(value) else value.item() if hasattr(value, "item") else value
            for key, value in values.items()
        },
    )
