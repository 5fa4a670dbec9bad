"""All models in one table."""

from typing import Any

import pandas as pd

from ptq_comparison.report.tables import as_text, markdown_table

TITLE = "What the model loses and gains in 8 bits"


def headline_speeds(latency: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return the row of each model in latency.json for the first setting; none if not measured."""
    rows = latency["measurements"] if latency else []
    return {
        row["model"]: row
        for row in rows
        if all(row[key] == rows[0][key] for key in ("threads", "batch_size"))
    }


def comparison_table(
    evaluations: list[dict[str, Any]], speeds: dict[str, dict[str, Any]]
) -> pd.DataFrame:
    """Return one row a model; the float32 model, the first, is what sizes are compared with.

    `top1`, `agreement`, `size_ratio` and `saturation_changed` are fractions, columns in `_pp`
    percentage points, `speedup` a multiple of the speed of float32. What compares with the baseline
    is missing for the float32 model, saturation where onnxruntime refuses the check, and speed
    where none was measured.
    """
    rows = []
    for evaluation in evaluations:
        model, accuracy = evaluation["model"], evaluation["accuracy"]
        baseline = evaluation["baseline"] or {}
        saturation = evaluation["saturation"] or {}
        low, high = baseline.get("delta_ci95_pp", (None, None))
        speed = speeds.get(model["name"], {})
        slowest, fastest = speed.get("speedup_ci95", (None, None))
        rows.append(
            {
                "model": model["name"],
                "top1": accuracy["top1"],
                "correct": accuracy["correct"],
                "total": accuracy["total"],
                "delta_pp": baseline.get("delta_pp"),
                "delta_ci95_low_pp": low,
                "delta_ci95_high_pp": high,
                "agreement": baseline.get("agreement"),
                "mcnemar_p": baseline.get("mcnemar_p"),
                "bytes": model["bytes"],
                "size_ratio": model["bytes"] / evaluations[0]["model"]["bytes"],
                "nodes": model["nodes"],
                "saturation_changed": saturation.get("changed"),
                "saturation_pp": saturation.get("delta_pp"),
                "speedup": speed.get("speedup"),
                "speedup_ci95_low": slowest,
                "speedup_ci95_high": fastest,
            }
        )
    return pd.DataFrame(rows)


def readable_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the same table as text for people: percent, intervals in one column."""

    def column(template: str, *names: str) -> list[str]:
        rows = table[list(names)].itertuples(index=False)
        return ["" if any(map(pd.isna, row)) else template.format(*row) for row in rows]

    readable = pd.DataFrame(
        {
            "model": table["model"],
            "top-1": column("{:.2%}", "top1"),
            "correct": column("{:,} of {:,}", "correct", "total"),
            "difference (pp)": column("{:+.2f}", "delta_pp"),
            "95 % interval (pp)": column(
                "{:+.2f} to {:+.2f}", "delta_ci95_low_pp", "delta_ci95_high_pp"
            ),
            "agreement": column("{:.2%}", "agreement"),
            "McNemar p": column("{:.3g}", "mcnemar_p"),
            "bytes": column("{:,}", "bytes"),
            "size": column("{:.0%}", "size_ratio"),
            "nodes": column("{}", "nodes"),
            "saturated": column("{:.2%} ({:+.2f} pp)", "saturation_changed", "saturation_pp"),
            "speed": column(
                "{:.2f} ({:.2f} to {:.2f})", "speedup", "speedup_ci95_low", "speedup_ci95_high"
            ),
        }
    )
    return _without_speed(readable)


def sortable_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison as text with one number a cell, by which a page can sort."""
    return as_text(
        table,
        {
            "model": ("model", "{}"),
            "top-1": ("top1", "{:.2%}"),
            "difference (pp)": ("delta_pp", "{:+.2f}"),
            "from": ("delta_ci95_low_pp", "{:+.2f}"),
            "to": ("delta_ci95_high_pp", "{:+.2f}"),
            "agreement": ("agreement", "{:.2%}"),
            "McNemar p": ("mcnemar_p", "{:.3g}"),
            "bytes": ("bytes", "{:,}"),
            "size": ("size_ratio", "{:.0%}"),
            "nodes": ("nodes", "{}"),
            "saturated": ("saturation_changed", "{:.2%}"),
            "speed": ("speedup", "{:.2f}"),
        },
    )


def _without_speed(table: pd.DataFrame) -> pd.DataFrame:
    """Leave the column out where nothing was measured."""
    return table if table["speed"].any() else table.drop(columns="speed")


def speed_table(latency: dict[str, Any]) -> pd.DataFrame:
    """Return every measurement of latency.json as text with one number a cell."""
    table = pd.json_normalize(latency["measurements"])
    table[["low", "high"]] = table["speedup_ci95"].to_list()
    table["peak_memory"] = table["peak_memory_bytes"] / 2**20
    return as_text(
        table,
        {
            "model": ("model", "{}"),
            "threads": ("threads", "{}"),
            "batch": ("batch_size", "{}"),
            "median (ms)": ("median_ms", "{:.3f}"),
            "p90 (ms)": ("p90_ms", "{:.3f}"),
            "p99 (ms)": ("p99_ms", "{:.3f}"),
            "images/s": ("images_per_second", "{:,.0f}"),
            "speed": ("speedup", "{:.2f}"),
            "from": ("low", "{:.2f}"),
            "to": ("high", "{:.2f}"),
            "start (ms)": ("session_start_ms", "{:.1f}"),
            "peak memory (MiB)": ("peak_memory", "{:.1f}"),
        },
    )


def to_markdown(sentence: str, readable: pd.DataFrame, notes: list[str]) -> str:
    """Return the verdict, the readable table and the notes as Markdown."""
    table = markdown_table(readable)
    listed = "\n".join(f"- {note}" for note in notes)
    return f"# {TITLE}\n\n{sentence}\n\n{table}\n\n{listed}\n"
