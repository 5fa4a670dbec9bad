"""All recipes in one table."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from ptq_comparison.common.csv_rows import unquote_formula
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json
from ptq_comparison.common.not_made import read_not_made, summarize_not_made
from ptq_comparison.evaluation.evaluate import RecipeEvaluation
from ptq_comparison.evaluation.results import Speed
from ptq_comparison.report.columns import (
    SWEEP_CSV,
    SWEEP_MAIN,
    SWEEP_MORE,
    column_notes,
    make_table,
    text_table,
)
from ptq_comparison.report.verdict import headline_speeds

# Integers that a recipe that could not be made does not have; plain pandas would make them floats.
COUNTS = dict.fromkeys(("correct", "total", "fixed", "broken", "bytes", "nodes"), "Int64")


def gather_sweep(
    recipes: Collection[str],
    evaluation_paths: Sequence[Path],
    timed: Mapping[str, str],
    latency_paths: Sequence[Path],
) -> pd.DataFrame:
    """Return `sweep_table` of files, those of the evaluations in the order of `recipes`.

    `timed` names for each recipe the one whose speed is also its own. Some files are markers of
    what could not be made. Without files of latency there are no speeds.
    """
    evaluations, reasons = {}, {}
    for name, path in zip(recipes, evaluation_paths, strict=True):
        reason = read_not_made(path)
        if reason is None:
            evaluations[name] = read_json(path)
        else:
            reasons[name] = reason
    speeds = {
        name: speed
        for path in latency_paths
        if read_not_made(path) is None
        for name, speed in headline_speeds(read_json(path)).items()
    }
    latencies = [speeds.get(timed[name]) for name in evaluations] if latency_paths else []
    return sweep_table(list(evaluations.values()), latencies, reasons)


def sweep_table(
    evaluations: Sequence[RecipeEvaluation],
    latencies: Sequence[Speed | None],
    not_made: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return one row a recipe, that which agrees best with float32 first.

    `evaluations` are those of the validation images, `latencies` those of the model of each recipe
    or of one that differs in numbers alone; none, where speed is not measured, and None for a
    recipe where that one could not be made. `top1` and `agreement` are fractions, columns in `_pp`
    percentage points, `speedup` is a multiple of the speed of float32.

    `not_made` are the reasons of recipes that could not be made, by name: rows at the end, with a
    `reason` and no figures. It is "" in all others. Raises UserError where there are no others.
    """
    reasons = not_made or {}
    if not evaluations:
        name, reason = next(iter(reasons.items()))
        raise UserError(
            f"sweep.recipes: none of {len(reasons)} recipes could be made; {name}: {reason}"
        )
    records = (
        {
            **evaluation,
            "quantization": evaluation["provenance"]["quantization"],
            "accuracy": evaluation["validation"],
            "baseline": evaluation["validation"],
            "ties": evaluation["validation"]["ties"],
            "latency": latencies[number] if latencies else None,
            "reason": "",
        }
        for number, evaluation in enumerate(evaluations)
    )
    made = make_table(records, SWEEP_CSV).sort_values(
        ["agreement", "speedup", "bytes"], ascending=[False, False, True], kind="stable"
    )
    empty = dict.fromkeys(SWEEP_CSV, math.nan)
    rows = [{**empty, "recipe": name, "reason": reason} for name, reason in reasons.items()]
    return pd.DataFrame([*made.to_dict("records"), *rows]).astype(COUNTS)


def read_sweep(path: Path) -> pd.DataFrame:
    """Read what `sweep_table` has returned from CSV; a recipe may be called NA, null or 007."""
    table = pd.read_csv(
        path,
        dtype={"recipe": str, "reason": str, **COUNTS},
        keep_default_na=False,
        na_values=[""],
    )
    table["recipe"] = table["recipe"].map(unquote_formula)
    table["reason"] = table["reason"].fillna("").map(unquote_formula)
    return table


def made_recipes(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of recipes that could be made, under their old index."""
    return table[table["reason"] == ""].astype(dict.fromkeys(COUNTS, "int64"))


def reasons_not_made(table: pd.DataFrame) -> dict[str, str]:
    """Return why recipes could not be made, by name."""
    rows = table[table["reason"] != ""]
    return dict(zip(rows["recipe"], rows["reason"], strict=True))


def readable_sweep(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text: an interval beside its value."""
    return text_table(table, SWEEP_MAIN)


def more_of_sweep(table: pd.DataFrame) -> pd.DataFrame:
    """Return the other values of the recipes that could be made, as text."""
    return text_table(made_recipes(table), SWEEP_MORE)


def describe_sweep(table: pd.DataFrame, validation: str) -> list[str]:
    """Return what the table says, and how to read it, in sentences.

    The second one is `validation`, which tells where the images come from. The third one names the
    recipes that could not be made, if there are any.
    """
    made, reasons = made_recipes(table), reasons_not_made(table)
    best = made.iloc[0]
    which = "recipes that could be made," if reasons else "recipes"
    lead = (
        f"Of {len(made)} {which} {best['recipe']} agrees with float32 most often: on "
        f"{best['agreement']:.2%} of {best['total']:,} validation images{_speed(best)}"
    )
    faster = made[made["speedup"] >= 1]
    if best["speedup"] < 1 and len(faster):
        second = faster.iloc[0]
        lead += (
            f"; of the faster ones, {second['recipe']}: {second['agreement']:.2%}{_speed(second)}"
        )
    return [
        f"{lead}.",
        validation,
        *([summarize_not_made(reasons, len(table))] if reasons else []),
        "No test image is used.",
        "The best of many recipes looks better than it is: intervals (95 %) hold for one recipe, "
        "chosen beforehand. The recommendation has intervals that hold for all at once.",
        " ".join(column_notes(SWEEP_MORE)),
    ]


def _speed(row: pd.Series) -> str:
    return f" at {row['speedup']:.2f} times the speed" if pd.notna(row["speedup"]) else ""
