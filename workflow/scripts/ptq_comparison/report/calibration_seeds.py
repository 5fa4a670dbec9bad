"""What draws of calibration images give, in tables."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ptq_comparison.report.draw_lines import saturation_matters, shown_name
from ptq_comparison.stability.results import Draw
from ptq_comparison.stability.spread import rows_by_model, sampling_error_pp, spread

VALUES = ("correct", "total", "top1", "delta_pp", "agreement")
EXACT = ("correct", "top1", "delta_pp", "agreement")  # without saturation, behind `exact_`


def draws_table(draws: Sequence[Draw]) -> pd.DataFrame:
    """Return one row for each model and draw; columns in `_pp` are percentage points.

    `exact_` columns are without saturation; NaN where onnxruntime has no such kernels.
    """
    records = []
    for model, rows in rows_by_model(draws).items():
        for draw, row in zip(draws, rows, strict=True):
            exact = row["exact"]
            record: dict[str, Any] = {"model": model, "seed": draw["seed"]}
            record |= {key: row[key] for key in VALUES}  # type: ignore[literal-required]
            record |= {"recipe": row["recipe"], "fixed": row["fixed"], "broken": row["broken"]}
            record |= {f"exact_{key}": exact and exact[key] for key in EXACT}  # type: ignore[literal-required]
            records.append(record)
    return pd.DataFrame(records).astype({"exact_correct": "Int64"})


def spread_tables(draws: Sequence[Draw]) -> dict[str, pd.DataFrame]:
    """Return tables of texts by caption, a row for each model: mean, deviation and range.

    The one without saturation is there where that changes something; its cells are empty where
    onnxruntime has no such kernels.
    """
    models = rows_by_model(draws)
    names = [shown_name(model, rows[0]["recipe"]) for model, rows in models.items()]
    differences = [[row["delta_pp"] for row in rows] for rows in models.values()]
    agreements = [[100 * row["agreement"] for row in rows] for rows in models.values()]
    first = _table(names, differences, "+.2f")
    first["test images"] = [f"{sampling_error_pp(rows):.2f}" for rows in models.values()]
    tables = {
        "Difference to float32 (pp)": first,
        "Agreement with float32 (%)": _table(names, agreements, ".2f"),
    }
    if saturation_matters(draws):
        exact = [
            [row["exact"]["delta_pp"] for row in rows if row["exact"]] for rows in models.values()
        ]
        tables["Difference to float32 without saturation (pp)"] = _table(names, exact, "+.2f")
    return tables


def _table(names: Sequence[str], values: Sequence[Sequence[float]], form: str) -> pd.DataFrame:
    """Return a row for each model, from its values by draw; none, or those of all draws."""
    return pd.DataFrame(
        [{"model": name, **_cells(own, form)} for name, own in zip(names, values, strict=True)]
    )


def _cells(values: Sequence[float], form: str) -> dict[str, str]:
    if not values:
        return {"mean (deviation)": "", "range": "", "this run": ""}
    mean, sd, low, high = spread(values)
    return {
        "mean (deviation)": f"{mean:{form}} ({sd:.2f})",
        "range": f"{low:{form}} to {high:{form}}",
        "this run": f"{values[0]:{form}}",
    }
