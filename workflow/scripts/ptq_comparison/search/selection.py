"""The choice of the recipe to ship, on validation images alone.

Agreement with float32 decides, not accuracy: images that both models get wrong in the same way say
nothing about quantization, and add noise to the accuracy.
"""

from collections.abc import Mapping
from statistics import NormalDist
from typing import TypedDict

import numpy as np
import pandas as pd

from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation.metrics import (
    SIGNIFICANCE,
    enclose,
    holm,
    mcnemar_exact_p,
    paired_difference_interval,
    wilson_interval,
)


class Constraints(TypedDict):
    """The section `recommend` of the config; None asks for nothing."""

    max_drop_pp: float | None
    min_speedup: float | None
    max_bytes: int | None


def misses(table: pd.DataFrame, constraints: Constraints) -> pd.DataFrame:
    """Return by how much each recipe misses each constraint; 0 where it meets it.

    A drop counts in percentage points, speed and size as shares of the constraint.
    """
    missed = pd.DataFrame(0.0, index=table.index, columns=list(Constraints.__annotations__))
    if constraints["max_drop_pp"] is not None:
        missed["max_drop_pp"] = -table["delta_pp"] - constraints["max_drop_pp"]
    if constraints["min_speedup"] is not None:
        # Without a speed, where the recipe that shares it could not be made, it misses all of it.
        missed["min_speedup"] = 1 - table["speedup"].fillna(0.0) / constraints["min_speedup"]
    if constraints["max_bytes"] is not None:
        missed["max_bytes"] = table["bytes"] / constraints["max_bytes"] - 1
    # A drop of exactly the limit, in binary fractions, meets it.
    return missed.clip(lower=0.0).round(9)


def select(
    table: pd.DataFrame, constraints: Constraints, not_made: int = 0
) -> tuple[int, np.ndarray]:
    """Return the row of the recipe to ship, and which rows meet the constraints, bool (recipes,).

    Of those, it is the recipe that agrees with float32 most often, of equals the faster, then the
    smaller one. `table` holds the recipes that could be made, `not_made` is the number of others.
    Raises UserError, which names the closest miss, when none meets them, and when speed is asked
    for and was not measured.
    """
    if constraints["min_speedup"] is not None and table["speedup"].isna().all():
        raise UserError(
            "recommend.min_speedup: speed was not measured; set latency.measure to true, or this "
            "to null"
        )
    missed = misses(table, constraints)
    allowed = (missed == 0).all(axis=1).to_numpy()
    if not allowed.any():
        order = pd.DataFrame({"count": (missed > 0).sum(axis=1), "sum": missed.sum(axis=1)})
        closest = table.loc[order.sort_values(["count", "sum"], kind="stable").index[0]]
        asked = [(key, constraints.get(key)) for key in missed]
        limits = [f"{key} {limit}" for key, limit in asked if limit is not None]
        speed = "" if pd.isna(closest["speedup"]) else f", {closest['speedup']:.2f} times the speed"
        others = f", and {not_made} could not be made" if not_made else ""
        raise UserError(
            f"recommend: none of {len(table)} recipes meets {', '.join(limits)}{others}; "
            f"closest is {closest['recipe']} ({closest['delta_pp']:+.2f} pp, {closest['bytes']} "
            f"bytes{speed}); relax one of the three, or add recipes"
        )
    order = table[allowed].sort_values(
        ["agreement", "speedup", "bytes"], ascending=[False, False, True], kind="stable"
    )
    return int(order.index[0]), allowed


def simultaneous_intervals(row: pd.Series, tried: int) -> dict[str, list[float]]:
    """Return intervals of agreement and difference that hold for all that was `tried` at once.

    The best of many looks better than it is. With Bonferroni's correction, such intervals hold the
    true values of all tries of a sweep in 95 % of sweeps, thus also those of the chosen recipe.
    `row` is one of `sweep.sweep_table`.
    """
    z = NormalDist().inv_cdf(1 - SIGNIFICANCE / (2 * tried))
    total = int(row["total"])
    agreeing = round(row["agreement"] * total)
    difference = paired_difference_interval(int(row["fixed"]), int(row["broken"]), total, z)
    percent = [100 * limit for limit in difference]
    return {
        "agreement": list(enclose(wilson_interval(agreeing, total, z), float(row["agreement"]))),
        "delta_pp": list(enclose(percent, float(row["delta_pp"]))),
    }


def not_worse(
    chosen: str, agrees: Mapping[str, np.ndarray], alpha: float = SIGNIFICANCE
) -> list[str]:
    """Return the recipes that the images cannot tell from the chosen one.

    `agrees` tells for each recipe on which images it predicts the same as float32, bool (N,). The
    exact McNemar test compares each recipe with the chosen one; Holm's correction keeps the chance
    of any false difference at `alpha`. S. Holm, Scand. J. Stat. 6 (1979), 65-70.
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


def pareto_front(table: pd.DataFrame) -> list[str]:
    """Return the recipes that no other beats: none is at least as good in agreement, speed and size
    and better in one of them. Speed is left out where it was not measured.

    It counts in hundredths of float32, and size in KiB: less is noise, or the name in the file.
    """
    goods = np.column_stack(
        [table["agreement"], table["speedup"].fillna(0.0).round(2), -(table["bytes"] // 1024)]
    )
    beaten = [bool(np.any((goods >= own).all(axis=1) & (goods > own).any(axis=1))) for own in goods]
    return [name for name, worse in zip(table["recipe"], beaten, strict=True) if not worse]
