"""All recipes in one table."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ptq_comparison.evaluation.evaluate import RecipeEvaluation
from ptq_comparison.evaluation.results import Speed
from ptq_comparison.report.columns import (
    COMPARISON_PAGE,
    SWEEP_CSV,
    SWEEP_PAGE,
    column_notes,
    make_table,
    page_table,
)


def sweep_table(
    evaluations: Sequence[RecipeEvaluation], latencies: Sequence[Speed]
) -> pd.DataFrame:
    """Return one row a recipe, that which agrees best with float32 first.

    `evaluations` are those of the validation images, `latencies` those of the model of each recipe
    or of one that differs in numbers alone; none, where speed is not measured. `top1` and
    `agreement` are fractions, columns in `_pp` percentage points, `speedup` is a multiple of the
    speed of float32.
    """
    records = (
        {
            **evaluation,
            "quantization": evaluation["provenance"]["quantization"],
            "accuracy": evaluation["validation"],
            "baseline": evaluation["validation"],
            "latency": latencies[number] if latencies else None,
        }
        for number, evaluation in enumerate(evaluations)
    )
    return (
        make_table(records, SWEEP_CSV)
        .sort_values(
            ["agreement", "speedup", "bytes"], ascending=[False, False, True], kind="stable"
        )
        .reset_index(drop=True)
    )


def read_sweep(path: Path) -> pd.DataFrame:
    """Read what `sweep_table` has returned from CSV; a recipe may be called NA, null or 007."""
    return pd.read_csv(path, dtype={"recipe": str}, keep_default_na=False, na_values=[""])


def readable_sweep(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text with one number a cell, by which a page can sort."""
    return page_table(table, SWEEP_PAGE)


def describe_sweep(table: pd.DataFrame) -> list[str]:
    """Return what the table says, and how to read it, in sentences."""
    best = table.iloc[0]
    lead = (
        f"Of {len(table)} recipes {best['recipe']} agrees with float32 most often: on "
        f"{best['agreement']:.2%} of {best['total']:,} validation images{_speed(best)}"
    )
    faster = table[table["speedup"] >= 1]
    if best["speedup"] < 1 and len(faster):
        second = faster.iloc[0]
        lead += (
            f"; of the faster ones, {second['recipe']}: {second['agreement']:.2%}{_speed(second)}"
        )
    return [
        f"{lead}.",
        "Validation images are training images that do not calibrate; no test image is used.",
        "The best of many recipes looks better than it is: intervals (95 %) hold for one recipe, "
        "chosen beforehand. The recommendation has intervals that hold for all at once.",
        " ".join(column_notes(key for key in SWEEP_PAGE if key not in COMPARISON_PAGE)),
    ]


def _speed(row: pd.Series) -> str:
    return f" at {row['speedup']:.2f} times the speed" if pd.notna(row["speedup"]) else ""
