"""Why this recipe, in sentences."""

from collections.abc import Mapping, Sequence

import pandas as pd

from ptq_comparison.config.recipes import AUTO
from ptq_comparison.search.selection import Constraints, simultaneous_intervals

TEST = "McNemar's statistic, all pairs at once"
SHOWN_NAMES = 4


def describe_choice(
    rows: pd.DataFrame,
    chosen: int,
    best: int,
    others: Sequence[str],
    constraints: Constraints,
    count: int,
    tried: int,
) -> list[str]:
    """Return which recipe of those in `rows`, which meet the constraints, is chosen, and why.

    `best` agrees with float32 most often, `others` are all that the images do not tell from the
    chosen one. There are `count` recipes, and `tried` are the tries on the same images.
    """
    names = rows["recipe"]
    asked = " and ".join(_asked(constraints)) or "are asked for nothing"
    agreement = _agreement(rows.loc[best], tried)
    if len(rows) == 1:
        return [
            f"Of {count} recipes, {names[chosen]} is the only one to "
            f"{asked.replace('are not shown', 'not be shown')}.",
            f"It agrees with float32 {agreement}.",
        ]
    sentences = [
        f"Of {count} recipes, {len(rows)} {asked}.",
        f"Of these, {names[best]} agrees with float32 most often: {agreement}.",
    ]
    if not others:
        return [*sentences, f"All others of these agree less often ({TEST})."]
    equals = [name for name in [names[chosen], *others] if name != names[best]]
    sentences.append(f"The images cannot tell it from {_listed(equals)} ({TEST}).")
    speed = rows["speedup"]
    merit = "the smallest"
    if pd.notna(speed[chosen]):
        merit = f"the fastest ({speed[chosen]:.2f} times float32)"
        rivals = speed[names.isin(others)].round(2)
        if (rivals == speed.round(2)[chosen]).any():
            merit += ", of equally fast ones the smallest"
    if chosen == best:
        return [*sentences, f"It is {merit}."]
    beside = f", at {speed[best]:.2f} times float32" if pd.notna(speed[best]) else ""
    return [
        *sentences,
        f"Of them all, {names[chosen]} is {merit}. It agrees on "
        f"{rows.loc[chosen, 'agreement']:.2%}, {names[best]} on "
        f"{rows.loc[best, 'agreement']:.2%}{beside}.",
    ]


def describe_limits(
    row: pd.Series,
    constraints: Constraints,
    left_out: Mapping[str, int],
    disturbed: Sequence[str],
) -> list[str]:
    """Return how many recipes each constraint leaves out, and where an interval decides.

    `row` is that of the chosen recipe; of the recipes in `disturbed`, the speed was disturbed.
    """
    how = {"max_drop_pp": " (as measured)"}
    if constraints.get("by") == "interval":
        how = {"max_drop_pp": " (the whole 95 % interval of the loss lies beyond it)"}
    counts = [f"{count} by {key}{how.get(key, '')}" for key, count in left_out.items() if count]
    sentences = []
    if counts:
        several = "; one may miss several" if len(counts) > 1 else ""
        sentences.append(f"Left out: {', '.join(counts)}{several}.")
    loss, limit = -row["delta_pp"], constraints["max_drop_pp"]
    if limit is not None and round(loss - limit, 9) > 0:
        sentences.append(
            f"The measured loss of {row['recipe']} is {loss:.2f} pp, but the 95 % interval of the "
            f"difference, {row['delta_ci95_low_pp']:+.2f} to {row['delta_ci95_high_pp']:+.2f} pp, "
            f"reaches within {limit} pp."
        )
    if disturbed:
        uncertain = "which of them is the fastest is less sure"
        if constraints["min_speedup"] is not None:
            uncertain = "min_speedup holds there for the lower end of the 95 % interval"
        sentences.append(f"Other load disturbed the speed of {_listed(disturbed)}: {uncertain}.")
    return sentences


def _asked(constraints: Constraints) -> list[str]:
    lose = "lose at most {} pp of accuracy"
    if constraints.get("by") == "interval":
        lose = "are not shown to lose more than {} pp of accuracy"
    words = (
        (lose, constraints["max_drop_pp"]),
        ("have at least {} times the speed of float32", constraints["min_speedup"]),
        ("have at most {:,} bytes", constraints["max_bytes"]),
    )
    return [text.format(limit) for text, limit in words if limit is not None]


def _agreement(row: pd.Series, tried: int) -> str:
    low, high = simultaneous_intervals(row, tried)["agreement"]
    return (
        f"on {row['agreement']:.2%} of {int(row['total']):,} validation images (95 % interval "
        f"{low:.2%} to {high:.2%}, which holds for all {tried} tries at once, those on the way to "
        f"{AUTO} among them)"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more
