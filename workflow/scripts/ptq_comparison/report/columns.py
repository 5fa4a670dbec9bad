"""The columns of all tables: where a value comes from, how people read it, and what it means.

A metric enters the tables here: a row of `COLUMNS`, and its key in the lists below.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ptq_comparison.common.csv_rows import quote_formula
from ptq_comparison.common.texts import plain_markdown
from ptq_comparison.report.cells import COMBINED


class Column(NamedTuple):
    """One column.

    `source` are the keys that lead to the value in a record of `make_table`, joined by dots. A
    column without `heading` is for programs alone, or part of a cell of `cells.COMBINED`, which has
    a heading of its own. `format` is a format specification.
    """

    source: str
    heading: str = ""
    format: str = ""
    note: str = ""


COLUMNS = {
    "model": Column("model.name", "model"),
    "recipe": Column("recipe", "recipe"),
    "activation_type": Column("quantization.activation_type"),
    "weight_type": Column("quantization.weight_type"),
    "format": Column("quantization.format"),
    "top1": Column("accuracy.top1", "top-1", ".2%"),
    "correct": Column("accuracy.correct"),
    "total": Column("accuracy.total"),
    "top5": Column(
        "top5.top5",
        "top-5",
        ".2%",
        "Top-5: share of images whose label is among the five classes with the highest scores.",
    ),
    "present_top1": Column(
        "present_classes.top1",
        "top-1 of present",
        ".2%",
        "Top-1 of present: where only the classes with test images are compared, not all outputs.",
    ),
    "precision": Column("two_classes.precision", "precision", ".2%"),
    "recall": Column("two_classes.recall", "recall", ".2%"),
    "f1": Column(
        "two_classes.f1",
        "F1",
        ".2%",
        "F1: harmonic mean of precision and recall of the second class ({positive}).",
    ),
    "auc": Column(
        "two_classes.auc",
        "AUC",
        ".4f",
        "AUC: area under the ROC curve, the chance that an image of the second class has a higher "
        "score for it than one of the first; equal scores count half.",
    ),
    # A sentence tells them: the page has no room for more columns.
    "ece": Column("calibration_error.ece"),
    "ece_delta_pp": Column("calibration_error.delta_pp"),
    "delta_pp": Column(
        "baseline.delta_pp",
        note="Difference: top-1 of the model minus top-1 of float32 on the same images, in "
        "percentage points, with Tango's paired 95 % score interval; p of the exact McNemar test. "
        "An interval across 0 means that the images cannot tell the two apart.",
    ),
    "delta_ci95_low_pp": Column("baseline.delta_ci95_pp.0"),
    "delta_ci95_high_pp": Column("baseline.delta_ci95_pp.1"),
    "fixed": Column("baseline.fixed"),
    "broken": Column("baseline.broken"),
    "agreement": Column(
        "baseline.agreement",
        note="Agreement: share of images on which the model predicts the same class as float32.",
    ),
    "agreement_ci95_low": Column("baseline.agreement_ci95.0"),
    "agreement_ci95_high": Column("baseline.agreement_ci95.1"),
    "mcnemar_p": Column("baseline.mcnemar_p", "McNemar p", ".3g"),
    "kl_divergence": Column(
        "baseline.kl_divergence",
        "KL (nats)",
        ".4f",
        "KL: mean divergence of the probabilities from those of float32.",
    ),
    "sqnr_db": Column(
        "baseline.sqnr_db",
        "SQNR (dB)",
        ".1f",
        "SQNR: signal to quantization noise ratio of the scores.",
    ),
    "ties": Column(
        "ties.share",
        "ties",
        ".2%",
        "Ties: share of images whose highest score several classes share; the first of them is "
        "predicted, so that the order of the classes decides.",
    ),
    "bytes": Column("model.bytes", "bytes", ",.0f"),
    "size_ratio": Column("size_ratio", "size", ".0%"),
    "nodes": Column("model.nodes", "nodes", ",.0f"),
    "integer_nodes": Column(
        "executed.integer_nodes",
        "integer nodes",
        ",.0f",
        "Integer nodes: those that compute with integers in the graph that onnxruntime runs on "
        "this machine, after its fusions; others compute with float32, convert or move data.",
    ),
    "saturation_changed": Column(
        "saturation.changed",
        note="Saturated: share of predictions that change, and accuracy that is lost or won, "
        "because kernels for CPUs without VNNI add in 16 bits, which overflow.",
    ),
    "saturation_pp": Column("saturation.delta_pp"),
    "threads": Column("latency.threads", "threads"),
    "batch_size": Column("latency.batch_size", "batch"),
    "median_ms": Column("latency.median_ms", "median (ms)", ".3f"),
    "p90_ms": Column("latency.p90_ms", "p90 (ms)", ".3f"),
    "p99_ms": Column("latency.p99_ms", "p99 (ms)", ".3f"),
    "images_per_second": Column("latency.images_per_second", "images/s", ",.0f"),
    "speedup": Column(
        "latency.speedup",
        note="Speed: images a second as a multiple of float32 ({setting}), and the 95 % bootstrap "
        "interval of a repeat. It holds for this machine alone.",
    ),
    "speedup_ci95_low": Column("latency.speedup_ci95.0"),
    "speedup_ci95_high": Column("latency.speedup_ci95.1"),
    "session_start_ms": Column("latency.session_start_ms", "start (ms)", ".1f"),
    "peak_memory_mib": Column("peak_memory_mib", "peak memory (MiB)", ".1f"),
    "reason": Column("reason", "not made"),
    "device": Column("device.name"),
    "emulated": Column("device.emulated"),
    "cpu": Column("device.machine.cpu"),
    "architecture": Column("device.machine.architecture"),
    "onnxruntime": Column("device.runtime.onnxruntime"),
    "provider": Column("device.settings.provider"),
    "changed": Column("changed"),
    "changed_share": Column("changed_share"),
    "failure": Column("failure", "why it does not run"),
}

COMPARISON_CSV = (
    "model", "top1", "correct", "total", "delta_pp", "delta_ci95_low_pp", "delta_ci95_high_pp",
    "agreement", "mcnemar_p", "bytes", "size_ratio", "nodes", "integer_nodes",
    "saturation_changed", "saturation_pp", "speedup", "speedup_ci95_low", "speedup_ci95_high",
    "top5", "present_top1", "precision", "recall", "f1", "auc", "ece", "ece_delta_pp", "ties",
)  # fmt: skip
# What decides, in 80 columns; and what explains it.
COMPARISON_MAIN = ("model", "top1", "delta_pp", "agreement", "size_ratio", "speedup")
COMPARISON_MORE = (
    "model", "correct", "top5", "present_top1", "precision", "recall", "f1", "auc", "mcnemar_p",
    "ties", "bytes", "nodes", "integer_nodes", "saturation_changed",
)  # fmt: skip
# Columns that only some data sets, models or runs have.
OPTIONAL = (
    "top5", "present_top1", "precision", "recall", "f1", "auc", "integer_nodes", "speedup",
)  # fmt: skip
SWEEP_CSV = (
    "recipe", "activation_type", "weight_type", "format", "top1", "correct", "total", "delta_pp",
    "delta_ci95_low_pp", "delta_ci95_high_pp", "fixed", "broken", "agreement",
    "agreement_ci95_low", "agreement_ci95_high", "kl_divergence", "sqnr_db", "ties", "bytes",
    "nodes", "images_per_second", "speedup", "speedup_ci95_low", "speedup_ci95_high", "reason",
)  # fmt: skip
SWEEP_MAIN = ("recipe", "top1", "delta_pp", "agreement", "bytes", "speedup", "reason")
SWEEP_MORE = ("recipe", "correct", "kl_divergence", "sqnr_db", "ties", "nodes", "images_per_second")
FRONT_PAGE = ("recipe", "top1", "delta_pp", "agreement", "bytes", "speedup")
LATENCY_PAGE = (
    "model", "threads", "batch_size", "speedup", "images_per_second", "median_ms", "p90_ms",
    "p99_ms", "session_start_ms", "peak_memory_mib",
)  # fmt: skip
DEVICES_CSV = (
    "device", "emulated", "cpu", "architecture", "onnxruntime", "provider", "model", "top1",
    "correct", "total", "agreement", "changed", "changed_share", "saturation_changed",
    "saturation_pp", "threads", "batch_size", "speedup", "speedup_ci95_low", "speedup_ci95_high",
    "median_ms", "p90_ms", "p99_ms", "images_per_second", "session_start_ms", "peak_memory_mib",
    "failure",
)  # fmt: skip
DEVICES_MAIN = (
    "device", "model", "top1", "agreement", "changed", "speedup", "median_ms", "images_per_second",
    "peak_memory_mib", "saturation_changed", "failure",
)  # fmt: skip
DEVICES_MORE = (
    "device", "model", "correct", "threads", "batch_size", "p90_ms", "p99_ms", "session_start_ms",
)  # fmt: skip
# With the interval that a page shows beside `speedup`.
LATENCY = (*LATENCY_PAGE, "speedup_ci95_low", "speedup_ci95_high")


def make_table(records: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> pd.DataFrame:
    """Return one row a record, with the columns `keys`; NaN where a record has None."""
    return pd.DataFrame(
        [{key: _find(record, COLUMNS[key].source) for key in keys} for record in records]
    )


def _find(record: Any, source: str) -> Any:
    for key in source.split("."):
        if record is None:
            break
        # Not every file has every key: those of older runs lack what was added since.
        record = record[int(key)] if key.isdigit() else record.get(key)
    return math.nan if record is None else record


def text_table(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return texts, an interval beside its value; a column without any value is left out."""
    rows, texts = table.to_dict("records"), {}
    for key in keys:
        if key in COMBINED:
            heading, text = COMBINED[key]
            texts[heading] = [text(row) for row in rows]
        else:
            texts[COLUMNS[key].heading] = [_as_text(row[key], key) for row in rows]
    return pd.DataFrame({heading: cells for heading, cells in texts.items() if any(cells)})


def _as_text(value: Any, key: str) -> str:
    return "" if pd.isna(value) else f"{value:{COLUMNS[key].format}}"


def markdown_table(table: pd.DataFrame) -> str:
    """Return a table of texts as Markdown, the first column to the left, numbers to the right."""
    alignment = ("left", *["right"] * (table.shape[1] - 1))
    escaped = table.map(plain_markdown)
    return str(escaped.to_markdown(index=False, disable_numparse=True, colalign=alignment))


def narrow_table(table: pd.DataFrame) -> str:
    """Return what `markdown_table` does without spaces beside the bars, for 80 columns."""
    columns = [
        [heading, *map(plain_markdown, table[heading])] for heading in map(str, table.columns)
    ]
    widths = [max(map(len, cells)) for cells in columns]
    lines = [
        "|".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        for cells in zip(*columns, strict=True)
    ]
    rule = "|".join(f"{'-' * (width - 1)}{':' if n else '-'}" for n, width in enumerate(widths))
    return "\n".join(f"|{line}|" for line in (lines[0], rule, *lines[1:]))


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV, in whose texts no spreadsheet finds formulas."""
    return str(table.map(quote_formula).to_csv(index=False))


def shown_columns(table: pd.DataFrame, keys: Iterable[str]) -> list[str]:
    """Return the columns `keys` without those that are optional and have no value."""
    return [key for key in keys if key not in OPTIONAL or table[key].notna().any()]


def column_notes(keys: Iterable[str]) -> list[str]:
    """Return what columns mean, with places for the `{setting}` of a speed, and `{positive}`."""
    return [COLUMNS[key].note for key in keys if COLUMNS[key].note]
