"""What draws of calibration images change, in sentences; without pandas, as `reproduce` has it."""

from collections.abc import Sequence
from typing import Literal

from ptq_comparison.evaluation.metrics import SIGNIFICANCE, holm
from ptq_comparison.stability.results import EQUALS, RECOMMENDED, Compared, Draw, DrawRow
from ptq_comparison.stability.spread import (
    equal_spread_p,
    rows_by_model,
    sampling_error_pp,
    spread,
)


def saturation_matters(draws: Sequence[Draw]) -> bool:
    """Tell whether a model gives something else without saturation in any draw."""
    return any(
        row["exact"] != {key: row.get(key) for key in Compared.__annotations__}
        for draw in draws
        for row in draw["models"]
    )


def shown_name(model: str, recipe: str) -> str:
    """Return what people read: the recommended recipe with its name, its equals by theirs."""
    return f"{RECOMMENDED} ({recipe})" if model == RECOMMENDED else model.removeprefix(EQUALS)


def describe_draws(draws: Sequence[Draw]) -> list[str]:
    """Return what the draws say, and how to read them, in sentences; the first one is the lead."""
    models = rows_by_model(draws)
    total = draws[0]["models"][0]["total"]
    listed = ", ".join(
        f"{shown_name(name, rows[0]['recipe'])} by {_deviation(rows, 'delta_pp'):.2f} pp"
        for name, rows in models.items()
    )
    errors = [f"{sampling_error_pp(rows):.2f}" for rows in models.values()]
    errors = sorted({min(errors), max(errors)})
    return [
        f"Another draw of calibration images moves {listed} (standard deviation of {len(draws)} "
        f"draws); {total:,} test images have a standard error of {' to '.join(errors)} pp.",
        _describe_samples(draws),
        "In brackets: the standard deviation of one draw, not the error of the mean. A difference "
        "between two models that is smaller than that may come from the draw: compare the means.",
        "Test images: the standard error of a difference, which so many test images leave. The "
        "interval of a single run covers this error alone, not that of the draw. All draws see the "
        "same test images.",
        *describe_saturation(draws),
        *describe_equals(models),
    ]


def _deviation(rows: Sequence[DrawRow], key: Literal["delta_pp", "agreement"]) -> float:
    return spread(row[key] for row in rows).sd


def _describe_samples(draws: Sequence[Draw]) -> str:
    first, different = draws[0], len({draw["samples_sha256"] for draw in draws})
    drawn = (
        f"Seeds {first['seed']} to {draws[-1]['seed']} each draw {first['images']:,} of "
        f"{first['pool']:,} training images; the first seed is that of this run."
    )
    if different < len(draws):
        return f"{drawn} Only {different} of the draws differ: there are few other images, or none."
    if 2 * first["images"] > first["pool"]:
        return (
            f"{drawn} Two draws share most of their images: those from a larger pool would lie "
            "further apart."
        )
    return drawn


def describe_saturation(draws: Sequence[Draw]) -> list[str]:
    """Return what kernels have to do with the results; nothing where no model can saturate."""
    rows = [row for draw in draws for row in draw["models"]]
    able = dict.fromkeys(
        shown_name(row["model"], row["recipe"])
        for row in rows
        if row["saturation"]["saturating_operators"]
    )
    if not able:
        return []
    names = ", ".join(able)
    if saturation_matters(draws):
        return [
            f"Kernels of this CPU saturate, which can change {names}. Without saturation: the same "
            "models with kernels that do not saturate, as those of a CPU with VNNI do not."
        ]
    if any(row["saturation"]["checked"] for row in rows):
        return [f"Kernels of this CPU saturate, which changes no result of {names}."]
    return [
        "Kernels of this CPU do not saturate, and the workflow cannot emulate here those of x86-64 "
        f"without VNNI, where {names} may saturate: with benchmarks.without_vnni, a run has both."
    ]


def describe_equals(models: dict[str, list[DrawRow]]) -> list[str]:
    """Return which is the steadiest of the recommended recipe and its equals; none without them."""
    swept = {n: rows for n, rows in models.items() if n == RECOMMENDED or n.startswith(EQUALS)}
    if len(swept) < 2:
        return []
    names = {name: rows[0]["recipe"] for name, rows in swept.items()}
    deviations = {name: 100 * _deviation(rows, "agreement") for name, rows in swept.items()}
    # Of equally steady ones, but for the last digits, the recommended recipe, which is the first.
    steadiest = min(deviations, key=lambda name: round(deviations[name], 9))
    others = [name for name in swept if name != RECOMMENDED]
    own = [row["agreement"] for row in swept[RECOMMENDED]]
    p_values = holm([equal_spread_p(own, [row["agreement"] for row in swept[n]]) for n in others])
    told = [n for n, p in zip(others, p_values, strict=True) if p < SIGNIFICANCE]
    test = "test of Pitman and Morgan, Holm's correction"
    lead = f"Of {len(swept)} recipes that the validation images cannot tell apart, "
    deviation = f"{deviations[RECOMMENDED]:.2f} pp"
    if steadiest == RECOMMENDED:
        return [
            f"{lead}the recommended one is the steadiest: its agreement has a standard deviation "
            f"of {deviation}. The draws tell it from {len(told)} of {len(others)} others ({test})."
        ]
    return [
        f"{lead}{names[steadiest]} is the steadiest: its agreement has a standard deviation of "
        f"{deviations[steadiest]:.2f} pp, that of the recommended {names[RECOMMENDED]} {deviation}."
        f" The draws {'tell' if steadiest in told else 'cannot tell'} the two apart ({test}). Its "
        f"model is results/sweep/models/{names[steadiest]}.onnx. Test images had no part in the "
        "recommendation; who chooses by these deviations has used them."
    ]
