"""Models in ORT format beside their ONNX twins, in a table for people."""

from collections.abc import Sequence

import pandas as pd

from ptq_comparison.device.ort_twins import Twins

NOTES = (
    "The graphs are optimized for ARM and for x86-64 alike, without operators that ARM has not. A "
    "score therefore differs a little on this CPU from that of the ONNX model. x86-64 may run them "
    "slower than the ONNX models, which onnxruntime optimizes for it.",
    "An onnxruntime that is older than the one that made these files may refuse them; measure.py "
    "of the device bundle then says so.",
    "required_operators.config names the operators of all these models, for a reduced build of "
    "onnxruntime: --minimal_build --include_ops_by_config required_operators.config",
)


def readable_twins(rows: Sequence[Twins]) -> pd.DataFrame:
    """Return a table of texts, a row for each model; empty cells where there is no ORT file."""
    reasons = any(row["reason"] for row in rows)
    return pd.DataFrame(
        [
            {
                "model": row["model"],
                "ONNX (kB)": f"{row['bytes_onnx'] / 1000:,.1f}",
                "ORT (kB)": _text(row["bytes_ort"], 1000, ",.1f"),
                "ORT / ONNX": _text(row["ratio"], 1, ".2f"),
                "changed predictions": _text(row["changed_predictions"], 1, ",.0f"),
                "largest difference of a score": _text(row["largest_score_difference"], 1, ".2g"),
                **({"not made": row["reason"] or ""} if reasons else {}),
            }
            for row in rows
        ]
    )


def describe_twins(rows: Sequence[Twins]) -> str:
    """Return in a sentence which models are there in ORT format, and whether they predict alike."""
    made = [row for row in rows if row["reason"] is None]
    count = f"{len(made)} of {len(rows)} models are in ORT format"
    if not made:
        return f"{count}."
    changed = [row for row in made if row["changed_predictions"]]
    images = f"{made[0]['images']:,} test images"
    if not changed:
        return f"{count}, and predict on {images} as the ONNX models do."
    told = ", ".join(f"{row['model']} {row['changed_predictions']:,}" for row in changed)
    return f"{count}. Of {images}, other predictions than the ONNX model has: {told}."


def _text(value: float | None, unit: float, form: str) -> str:
    return "" if value is None else f"{value / unit:{form}}"
