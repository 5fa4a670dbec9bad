"""What is told about the choice among the recipes: figures, rivals, and the reason in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ptq_comparison.config.recipes import AUTO
from ptq_comparison.search.selection import not_worse, pareto_front, simultaneous_intervals

# What a row of the sweep tells about a recipe in selection.json.
FIGURES = (
    "recipe",
    "top1",
    "correct",
    "total",
    "delta_pp",
    "agreement",
    "kl_divergence",
    "sqnr_db",
    "bytes",
    "images_per_second",
    "speedup",
)


def describe_selection(
    table: pd.DataFrame,
    chosen: int,
    allowed: np.ndarray,
    agrees: Mapping[str, np.ndarray],
    constraints: dict[str, Any],
    steps: int,
) -> dict[str, Any]:
    """Return the content of selection.json; `chosen` and `allowed` are what `select` returns.

    `auto` is the best of `steps`, each of which is one more try on the same images.
    """
    row, tried = table.loc[chosen], len(table) - 1 + steps
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
            f"Of {len(table)} recipes, {name} is the only one to {asked}. It agrees with float32 "
            f"{agreement}"
        )
    else:
        reason = (
            f"Of {len(table)} recipes, {len(rivals)} {asked}. Of these, {name} agrees with float32 "
            f"most often: {agreement} {_equals(equals)}"
        )
    return {
        "recipe": name,
        "constraints": constraints,
        "recipes": len(table),
        "tried": tried,
        "allowed": len(rivals),
        "validation": {
            **_figures(row),
            "agreement_ci95": [row["agreement_ci95_low"], row["agreement_ci95_high"]],
            "agreement_ci95_all_recipes": intervals["agreement"],
            "delta_ci95_pp": [row["delta_ci95_low_pp"], row["delta_ci95_high_pp"]],
            "delta_ci95_pp_all_recipes": intervals["delta_pp"],
        },
        "not_worse": equals,
        "pareto": [
            _figures(other)
            for _, other in table[table["recipe"].isin(pareto_front(table))].iterrows()
        ],
        "reason": f"{reason} The test images had no part in the choice.",
    }


def _figures(row: pd.Series) -> dict[str, Any]:
    """Return the figures of a row as JSON has them, None for what was not measured."""
    values = {key: row[key] for key in FIGURES}
    return {
        key: None if pd.isna(value) else value.item() if hasattr(value, "item") else value
        for key, value in values.items()
    }


def _asked(constraints: dict[str, Any]) -> list[str]:
    words = {
        "max_drop_pp": "lose at most {} pp of accuracy",
        "min_speedup": "have at least {} times the speed of float32",
        "max_bytes": "have at most {:,} bytes",
    }
    return [
        text.format(constraints[key]) for key, text in words.items() if constraints[key] is not None
    ]


def _equals(names: list[str]) -> str:
    if not names:
        return "All others of these agree less often (McNemar, Holm's correction)."
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"The images cannot tell it from {shown} (McNemar, Holm's correction)."
