"""Which recipe to ship: the choice among those that were tried, on validation images alone.

Agreement with float32 decides, not accuracy: images that both models get wrong in the same way say
nothing about quantization, and make accuracy the noisier of the two.
"""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from ptq_comparison.errors import UserError
from ptq_comparison.metrics import (
    SIGNIFICANCE,
    mcnemar_exact_p,
    paired_difference_interval,
    wilson_interval,
)


def misses(table: pd.DataFrame, constraints: dict[str, Any]) -> pd.DataFrame:
    """Return by how much each recipe misses each constraint; 0 where it meets it.

    A drop counts in percentage points, speed and size as shares of the constraint. `constraints`
    are `recommend` of the config, of which None asks for nothing.
    """
    drop, speed, size = (constraints[key] for key in ("max_drop_pp", "min_speedup", "max_bytes"))
    missed = pd.DataFrame(0.0, index=table.index, columns=list(constraints))
    if drop is not None:
        missed["max_drop_pp"] = -table["delta_pp"] - drop
    if speed is not None:
        missed["min_speedup"] = 1 - table["speedup"] / speed
    if size is not None:
        missed["max_bytes"] = table["bytes"] / size - 1
    # A drop of exactly the limit, in binary fractions, meets it.
    return missed.clip(lower=0.0).round(9)


def select(table: pd.DataFrame, constraints: dict[str, Any]) -> tuple[int, np.ndarray]:
    """Return the row of the recipe to ship, and which rows meet the constraints, bool (recipes,).

    Of those, it is the recipe that agrees with float32 most often, of equals the faster, then the
    smaller one. Raises UserError, which names the closest miss, when none meets them,
    and when speed is asked for and was not measured.
    """
    if constraints["min_speedup"] is not None and table["speedup"].isna().any():
        raise UserError(
            "recommend.min_speedup: speed was not measured; set latency.measure to true, or this "
            "to null"
        )
    missed = misses(table, constraints)
    allowed = (missed == 0).all(axis=1).to_numpy()
    if not allowed.any():
        order = pd.DataFrame({"count": (missed > 0).sum(axis=1), "sum": missed.sum(axis=1)})
        closest = table.loc[order.sort_values(["count", "sum"], kind="stable").index[0]]
        asked = ", ".join(f"{k} {v}" for k, v in constraints.items() if v is not None)
        speed = "" if pd.isna(closest["speedup"]) else f", {closest['speedup']:.2f} times the speed"
        raise UserError(
            f"recommend: none of {len(table)} recipes meets {asked}; closest is "
            f"{closest['recipe']} ({closest['delta_pp']:+.2f} pp, {closest['bytes']} bytes"
            f"{speed}); relax one of the three, or add recipes"
        )
    order = table[allowed].sort_values(
        ["agreement", "speedup", "bytes"], ascending=[False, False, True], kind="stable"
    )
    return int(order.index[0]), allowed


def simultaneous_intervals(row: pd.Series, tried: int) -> dict[str, list[float]]:
    """Return intervals of agreement and difference that hold for all `tried` recipes at once.

    The best of many looks better than it is. With Bonferroni's correction, 95 % of sweeps have the
    true figures of all their recipes in such intervals, thus also those of the one that was chosen
    for its figure. `row` is one of `sweep.sweep_table`.
    """
    z = NormalDist().inv_cdf(1 - SIGNIFICANCE / (2 * tried))
    total = int(row["total"])
    agreeing = round(row["agreement"] * total)
    difference = paired_difference_interval(int(row["fixed"]), int(row["broken"]), total, z)
    return {
        "agreement": list(wilson_interval(agreeing, total, z)),
        "delta_pp": [100 * limit for limit in difference],
    }


def not_worse(
    chosen: str, agrees: Mapping[str, np.ndarray], alpha: float = SIGNIFICANCE
) -> list[str]:
    """Return the recipes that the images cannot tell from the chosen one.

    `agrees` tells for each recipe on which images it answers as float32, bool (N,). The exact
    McNemar test compares each recipe with the chosen one; Holm's correction keeps the chance of any
    false difference at `alpha`. S. Holm, Scand. J. Stat. 6 (1979), 65-70.
    """
    others = [name for name in agrees if name != chosen]
    p_values = [
        mcnemar_exact_p(
            int(np.sum(agrees[chosen] & ~agrees[name])), int(np.sum(~agrees[chosen] & agrees[name]))
        )
        for name in others
    ]
    adjusted = holm(p_values)
    return [name for name, p in zip(others, adjusted, strict=True) if p >= alpha]


def holm(p_values: list[float]) -> list[float]:
    """Return p values with Holm's correction for their number, in the same order."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def pareto_front(table: pd.DataFrame) -> list[str]:
    """Return the recipes that no other beats: none is at least as good in agreement, speed and size
    and better in one of them. Speed is left out where it was not measured."""
    goods = np.column_stack([table["agreement"], table["speedup"].fillna(0.0), -table["bytes"]])
    beaten = [bool(np.any((goods >= own).all(axis=1) & (goods > own).any(axis=1))) for own in goods]
    return [name for name, worse in zip(table["recipe"], beaten, strict=True) if not worse]


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
) -> dict[str, Any]:
    """Return the content of selection.json; `chosen` and `allowed` are what `select` returns."""
    row, tried = table.loc[chosen], len(table)
    name = str(row["recipe"])
    intervals = simultaneous_intervals(row, tried)
    rivals = {key: agrees[key] for key in table["recipe"][allowed]}
    equals = not_worse(name, rivals)
    low, high = intervals["agreement"]
    asked = " and ".join(_asked(constraints)) or "are asked for nothing"
    reason = (
        f"Of {tried} recipes, {int(allowed.sum())} {asked}. Of these, {name} agrees with float32 "
        f"most often: on {row['agreement']:.2%} of {int(row['total']):,} validation images (95 % "
        f"interval {low:.2%} to {high:.2%}, which holds for all {tried} recipes at once). "
        f"{_equals(equals)} The test images had no part in the choice."
    )
    return {
        "recipe": name,
        "constraints": constraints,
        "tried": tried,
        "allowed": int(allowed.sum()),
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
        "reason": reason,
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
