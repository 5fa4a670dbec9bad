"""All recipes in one table."""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from ptq_comparison.report.tables import as_text


def sweep_table(evaluations: list[dict[str, Any]], latencies: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row a recipe, that which agrees best with float32 first.

    `evaluations` are those of the validation images, `latencies` those of the model of each recipe
    or of one that differs in numbers alone; none, where speed is not measured. `top1` and
    `agreement` are fractions, columns in `_pp` percentage points, `speedup` is a multiple of the
    speed of float32.
    """
    rows = []
    for number, evaluation in enumerate(evaluations):
        validation, model = evaluation["validation"], evaluation["model"]
        quantization = evaluation["provenance"]["quantization"]
        latency = latencies[number] if latencies else {}
        row = {
            "recipe": evaluation["recipe"],
            "activation_type": quantization["activation_type"],
            "weight_type": quantization["weight_type"],
            "format": quantization["format"],
            **{key: validation[key] for key in ("top1", "correct", "total", "delta_pp")},
            **_limits("delta_ci95", validation["delta_ci95_pp"], "_pp"),
            **{key: validation[key] for key in ("fixed", "broken", "agreement")},
            **_limits("agreement_ci95", validation["agreement_ci95"]),
            "kl_divergence": validation["kl_divergence"],
            "sqnr_db": validation["sqnr_db"],
            "bytes": model["bytes"],
            "nodes": model["nodes"],
            "images_per_second": latency.get("images_per_second", math.nan),
            "speedup": latency.get("speedup", math.nan),
            **_limits("speedup_ci95", latency.get("speedup_ci95", (math.nan, math.nan))),
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.sort_values(
        ["agreement", "speedup", "bytes"], ascending=[False, False, True], kind="stable"
    ).reset_index(drop=True)


def read_sweep(path: Path) -> pd.DataFrame:
    """Read what `sweep_table` has returned from CSV; a recipe may be called NA, null or 007."""
    return pd.read_csv(path, dtype={"recipe": str}, keep_default_na=False, na_values=[""])


def _limits(name: str, limits: Any, unit: str = "") -> dict[str, Any]:
    return {f"{name}_low{unit}": limits[0], f"{name}_high{unit}": limits[1]}


def readable_sweep(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text with one number a cell, by which a page can sort."""
    return as_text(
        table,
        {
            "recipe": ("recipe", "{}"),
            "agreement": ("agreement", "{:.2%}"),
            "from": ("agreement_ci95_low", "{:.2%}"),
            "to": ("agreement_ci95_high", "{:.2%}"),
            "top-1": ("top1", "{:.2%}"),
            "difference (pp)": ("delta_pp", "{:+.2f}"),
            "KL (nats)": ("kl_divergence", "{:.4f}"),
            "SQNR (dB)": ("sqnr_db", "{:.1f}"),
            "bytes": ("bytes", "{:,}"),
            "speed": ("speedup", "{:.2f}"),
            "images/s": ("images_per_second", "{:,.0f}"),
        },
    )


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
        "KL: mean divergence of the probabilities from those of float32. SQNR: signal to "
        "quantization noise ratio of the scores.",
    ]


def _speed(row: pd.Series) -> str:
    return f" at {row['speedup']:.2f} times the speed" if pd.notna(row["speedup"]) else ""
