"""The choice of the recipe to ship, on validation images alone.

Agreement with float32 decides, not accuracy: images that both models get wrong in the same way say
nothing about quantization, and add noise to the accuracy.
"""

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

import numpy as np
import pandas as pd

from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.evaluation.enclosed import enclose
from ptq_comparison.evaluation.exact_intervals import (
    clopper_pearson_interval,
    conservative_difference_interval,
)
from ptq_comparison.evaluation.metrics import SIGNIFICANCE
from ptq_comparison.search.told_apart import not_worse

LIMITS = ("max_drop_pp", "min_speedup", "max_bytes")


class Constraints(TypedDict):
    """The section `recommend` of the config; None asks for nothing.

    By `interval`, a recipe misses `max_drop_pp` where the whole 95 % interval of its loss does, by
    `point`, as where nothing is said, where the measured loss does.
    """

    by: NotRequired[Literal["point", "interval"]]
    max_drop_pp: float | None
    min_speedup: float | None
    max_bytes: int | None


def asked_limits(constraints: Constraints) -> dict[str, float]:
    """Return the limits that are asked for, by key."""
    limits: dict[str, float | None] = {
        "max_drop_pp": constraints["max_drop_pp"],
        "min_speedup": constraints["min_speedup"],
        "max_bytes": constraints["max_bytes"],
    }
    return {key: limit for key, limit in limits.items() if limit is not None}


def disturbed_speeds(table: pd.DataFrame) -> np.ndarray:
    """Tell of which recipes other load disturbed the measurement of speed, bool (recipes,)."""
    columns = ("speedup", "speedup_ci95_low", "speedup_ci95_high")
    rows = zip(*(table[column] for column in columns), strict=True)
    return np.array([is_disturbed(speed, ci95) for speed, *ci95 in rows], bool)


def held_speeds(table: pd.DataFrame) -> pd.Series:
    """Return the speeds, of those that other load disturbed the lower ends of their intervals.

    NaN is not measured.
    """
    return table["speedup"].mask(disturbed_speeds(table), table["speedup_ci95_low"])


def misses(table: pd.DataFrame, constraints: Constraints) -> pd.DataFrame:
    """Return by how much each recipe misses each constraint; 0 where it meets it.

    A drop counts in percentage points, speed and size as shares of the constraint. The interval of
    the drop is Tango's of the recipe alone, as in the table. It errs with a recipe that keeps the
    limit in 2.5 %, however many others there are. One that holds for fifty recipes at once is 1.7
    times as wide, and would let pass what clearly loses more.
    """
    missed = pd.DataFrame(0.0, index=table.index, columns=list(LIMITS))
    if constraints["max_drop_pp"] is not None:
        by_interval = constraints.get("by") == "interval"
        least = table["delta_ci95_high_pp" if by_interval else "delta_pp"]
        missed["max_drop_pp"] = -least - constraints["max_drop_pp"]
    if constraints["min_speedup"] is not None:
        # Without a speed, where the recipe that shares it could not be made, it misses all of it.
        speed = held_speeds(table).fillna(0.0)
        missed["min_speedup"] = 1 - speed / constraints["min_speedup"]
    if constraints["max_bytes"] is not None:
        missed["max_bytes"] = table["bytes"] / constraints["max_bytes"] - 1
    # A drop of exactly the limit, in binary fractions, meets it.
    return missed.clip(lower=0.0).round(9)


def select(
    table: pd.DataFrame,
    constraints: Constraints,
    not_made: int = 0,
    agrees: Mapping[str, np.ndarray] | None = None,
) -> tuple[int, np.ndarray]:
    """Return the row of the recipe to ship, and which rows meet the constraints, bool (recipes,).

    Of those, it is the fastest that the images do not tell from the one that agrees with float32
    most often. `agrees` tells for each recipe on which images it does, bool (N,); without it, no
    others count as equal. `table` holds the recipes that could be made, `not_made` is the number of
    others. Raises UserError, which names the closest miss, when none meets them, and when speed is
    asked for and was not measured.
    """
    if constraints["min_speedup"] is not None and table["speedup"].isna().all():
        raise UserError(
            "recommend.min_speedup: speed was not measured; set latency.measure to true, or this "
            "to null"
        )
    missed = misses(table, constraints)
    allowed = (missed == 0).all(axis=1).to_numpy()
    if not allowed.any():
        raise UserError(_closest(table, missed, constraints, not_made))
    rows = table[allowed]
    best = most_agreeing(rows)
    if agrees is None:
        return best, allowed
    name = table.loc[best, "recipe"]
    equals = {name, *not_worse(name, {key: agrees[key] for key in rows["recipe"]})}
    return fastest(rows[rows["recipe"].isin(equals)]), allowed


def most_agreeing(rows: pd.DataFrame) -> int:
    """Return the row that agrees with float32 most often, then the faster, then the smaller."""
    order = rows.sort_values(
        ["agreement", "speedup", "bytes"], ascending=[False, False, True], kind="stable"
    )
    return int(order.index[0])


def fastest(rows: pd.DataFrame) -> int:
    """Return the fastest row, then the smallest, then the one that agrees most often.

    Speeds count in hundredths of float32, and sizes in hundredths of the smallest: less is noise,
    or the name in the file. A disturbed speed counts as measured, which is the best guess of it: a
    lower end would favour what happened to be measured in peace. Where no speed was measured, the
    smallest comes first.
    """
    order = rows.assign(
        speed=rows["speedup"].round(2), size=(rows["bytes"] / rows["bytes"].min()).round(2)
    ).sort_values(
        ["speed", "size", "agreement", "bytes"], ascending=[False, True, False, True], kind="stable"
    )
    return int(order.index[0])


def shortfall(missed: pd.DataFrame) -> pd.DataFrame:
    """Return how many constraints each recipe misses, `count`, and by how much in all, `sum`."""
    return pd.DataFrame({"count": (missed > 0).sum(axis=1), "sum": missed.sum(axis=1)})


def _closest(
    table: pd.DataFrame, missed: pd.DataFrame, constraints: Constraints, not_made: int
) -> str:
    """Return that no recipe meets the constraints, and which one comes closest."""
    place = shortfall(missed).sort_values(["count", "sum"], kind="stable").index[0]
    closest, speed = table.loc[place], held_speeds(table)[place]
    limits = [f"{key} {limit}" for key, limit in asked_limits(constraints).items()]
    drop = f"{closest['delta_pp']:+.2f} pp"
    if constraints.get("by") == "interval":
        drop += f", at best {closest['delta_ci95_high_pp']:+.2f}"
    fast = "" if pd.isna(speed) else f", {speed:.2f} times the speed"
    if disturbed_speeds(table.loc[[place]])[0]:
        fast += " at the lower end, as other load disturbed the measurement"
    others = f", and {not_made} could not be made" if not_made else ""
    return (
        f"recommend: none of {len(table)} recipes meets {', '.join(limits)}{others}; closest is "
        f"{closest['recipe']} ({drop}, {closest['bytes']} bytes{fast}); relax one of the three, or "
        "add recipes"
    )


def simultaneous_intervals(row: pd.Series, tried: int) -> dict[str, list[float]]:
    """Return intervals of agreement and difference that hold for all that was `tried` at once.

    The best of many looks better than it is. With Bonferroni's correction, such intervals hold the
    true values of all tries of a sweep in at least 95 % of sweeps, thus also those of the chosen
    recipe; at this level only exact intervals, or conservative ones, do.
    `row` is one of `sweep.sweep_table`.
    """
    alpha, total = SIGNIFICANCE / tried, int(row["total"])
    agreement = clopper_pearson_interval(round(row["agreement"] * total), total, alpha)
    difference = conservative_difference_interval(
        int(row["fixed"]), int(row["broken"]), total, alpha
    )
    percent = [100 * limit for limit in difference]
    return {
        "agreement": list(enclose(agreement, float(row["agreement"]))),
        "delta_pp": list(enclose(percent, float(row["delta_pp"]))),
    }


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
