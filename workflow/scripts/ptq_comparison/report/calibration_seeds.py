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


def spread_table(draws: Sequence[Draw]) -> pd.DataFrame:
    """Return one row of texts for each model: mean, standard deviation in brackets, range.

    Columns without saturation are there where it changes something.
    """
    rows = []
    for model, found in rows_by_model(draws).items():
        row = {"model": shown_name(model, found[0]["recipe"])}
        row |= _spread_cells("difference (pp)", [each["delta_pp"] for each in found], "+.2f")
        row["test images (pp)"] = f"{sampling_error_pp(found):.2f}"
        row |= _spread_cells("agreement (%)", [100 * each["agreement"] for each in found], ".2f")
        row["this run"] = f"{found[0]['delta_pp']:+.2f}"
        if saturation_matters(draws):
            exact = [each["exact"] for each in found]
            name = "difference without saturation (pp)"
            known = [each["delta_pp"] for each in exact if each]
            whole = len(known) == len(found)
            row |= _spread_cells(name, known, "+.2f") if whole else {name: "", f"{name}, range": ""}
        rows.append(row)
    return pd.DataFrame(rows)


def _spread_cells(name: str, values: Sequence[float], form: str) -> dict[str, str]:
    found = spread(values)
    return {
        name: f"{found.mean:{form}} ({found.sd:.2f})",
        f"{name}, range": f"{found.low:{form}} to {found.high:{form}}",
    }
