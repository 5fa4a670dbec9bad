"""The choice among the recipes for people: values, rivals, and the reason in words."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

import numpy as np
import pandas as pd

from ptq_comparison.common.not_made import summarize_not_made
from ptq_comparison.config.recipes import AUTO
from ptq_comparison.search.selection import (
    Constraints,
    not_worse,
    pareto_front,
    simultaneous_intervals,
)


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

    `auto` is the best of `step_count` steps, each of which is one more try on the same images.
    `table` holds the recipes that could be made, `not_made` are the reasons of others, by name.
    """
    reasons = not_made or {}
    row, count = table.loc[chosen], len(table) + len(reasons)
    tried = len(table) - (AUTO not in reasons) + step_count
    name = str(row["recipe"])
    intervals = simultaneous_intervals(row, tried)
    rivals = {key: agrees[key] for key in table["recipe"][allowed]}
    equals = not_worse(name, rivals)
    low, high = intervals["agreement"]
    agreement = (
        f"on {row['agreement']:.2%} of {int(row['total']):,} validation images (95 % interval "
        f"{low:.2%} to {high:.2%}, which holds for all {tried} tries at once, those on the way to "
        f"{AUTO} among them)."
    )
    asked = " and ".join(_asked(constraints)) or "are asked for nothing"
    if len(rivals) == 1:
        reason = (
            f"Of {count} recipes, {name} is the only one to {asked}. It agrees with float32 "
            f"{agreement}"
        )
    else:
        reason = (
            f"Of {count} recipes, {len(rivals)} {asked}. Of these, {name} agrees with float32 "
            f"most often: {agreement} {_describe_equals(equals)}"
        )
    if reasons:
        reason += f" {summarize_not_made(reasons, count)}"
    return {
        "recipe": name,
        "constraints": constraints,
        "recipes": count,
        "not_made": [{"recipe": key, "reason": value} for key, value in reasons.items()],
        "tried": tried,
        "allowed": len(rivals),
        "validation": {
            **_values(row),
            "agreement_ci95": [row["agreement_ci95_low"], row["agreement_ci95_high"]],
            "agreement_ci95_all_recipes": intervals["agreement"],
            "delta_ci95_pp": [row["delta_ci95_low_pp"], row["delta_ci95_high_pp"]],
            "delta_ci95_pp_all_recipes": intervals["delta_pp"],
        },
        "not_worse": equals,
        "pareto": [
            _values(other)
            for _, other in table[table["recipe"].isin(pareto_front(table))].iterrows()
        ],
        "reason": f"{reason} The test images had no part in the choice.",
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


def _asked(constraints: Constraints) -> list[str]:
    words = (
        ("lose at most {} pp of accuracy", constraints["max_drop_pp"]),
        ("have at least {} times the speed of float32", constraints["min_speedup"]),
        ("have at most {:,} bytes", constraints["max_bytes"]),
    )
    return [text.format(limit) for text, limit in words if limit is not None]


def _describe_equals(names: list[str]) -> str:
    if not names:
        return "All others of these agree less often (McNemar, Holm's correction)."
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"The images cannot tell it from {shown} (McNemar, Holm's correction)."
