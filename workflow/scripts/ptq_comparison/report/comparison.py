"""All models in one table."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from ptq_comparison.common.texts import plain_markdown
from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.evaluation.results import Latency, LatencyRow
from ptq_comparison.report.columns import (
    COMPARISON_CSV,
    COMPARISON_MARKDOWN,
    COMPARISON_PAGE,
    LATENCY_PAGE,
    combined_table,
    csv_text,
    make_table,
    markdown_table,
    page_table,
    shown_columns,
)
from ptq_comparison.report.comparison_notes import (
    describe_run,
    float_notes,
    saturation_warnings,
)
from ptq_comparison.report.page import to_page
from ptq_comparison.report.references import candidates, reference_notes
from ptq_comparison.report.verdict import headline_speeds, verdict

TITLE = "What the model loses and gains in 8 bits"


class Comparison(NamedTuple):
    """The comparison as text: one sentence, and the contents of three files."""

    verdict: str
    csv: str
    markdown: str
    html: str


def compare(
    evaluations: list[Evaluation],
    latency: Latency | None,
    saturation_threshold: float,
    published_top1: float | None,
    diagnosis: Sequence[str] = (),
    references: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Comparison:
    """Compare all models with float32, which comes first.

    `latency` is None where no speed was measured. `saturation_threshold` is the share of changed
    predictions that is worth a warning, `published_top1` a fraction, `diagnosis` says why models
    have lost too much. `references` are what make_reference writes, by name.
    """
    speeds = headline_speeds(latency)
    sentence = verdict(candidates(evaluations), speeds)
    table = comparison_table(evaluations, speeds)
    notes = [*diagnosis]
    notes += saturation_warnings(evaluations, saturation_threshold)
    notes += reference_notes(evaluations, speeds, references)
    notes += float_notes(evaluations)
    notes += describe_run(evaluations, speeds, published_top1)
    tables = {"": sortable_table(table)}
    if latency:
        tables["Speed"] = speed_table(latency)
    return Comparison(
        sentence,
        csv_text(table),
        to_markdown(sentence, readable_table(table), notes),
        to_page(TITLE, sentence, tables, notes),
    )


def comparison_table(
    evaluations: list[Evaluation], speeds: Mapping[str, LatencyRow]
) -> pd.DataFrame:
    """Return one row a model; the float32 model, the first, is what sizes are compared with.

    `top1`, `agreement`, `size_ratio` and `saturation_changed` are fractions, columns in `_pp`
    percentage points, `speedup` a multiple of the speed of float32. What compares with the baseline
    is missing for the float32 model, saturation where onnxruntime refuses the check, and speed
    where none was measured. Saturation is 0 where it cannot happen.
    """
    fp32_bytes = evaluations[0]["model"]["bytes"]
    records = (
        {
            **evaluation,
            "size_ratio": evaluation["model"]["bytes"] / fp32_bytes,
            "latency": speeds.get(evaluation["model"]["name"]),
        }
        for evaluation in evaluations
    )
    return make_table(records, COMPARISON_CSV)


def readable_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the same table as text for people: percent, intervals in one column."""
    return combined_table(table, shown_columns(table, COMPARISON_MARKDOWN))


def sortable_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison as text with one number a cell, by which a page can sort."""
    return page_table(table, COMPARISON_PAGE)


def speed_table(latency: Latency) -> pd.DataFrame:
    """Return every measurement of latency.json as text with one number a cell."""
    records = (
        {
            "model": {"name": row["model"]},
            "latency": row,
            "peak_memory_mib": (row["peak_memory_bytes"] or math.nan) / 2**20,
        }
        for row in latency["measurements"]
    )
    return page_table(make_table(records, LATENCY_PAGE), LATENCY_PAGE)


def to_markdown(sentence: str, readable: pd.DataFrame, notes: list[str]) -> str:
    """Return the verdict, the readable table and the notes as Markdown."""
    table = markdown_table(readable)
    listed = "\n".join(f"- {plain_markdown(note)}" for note in notes)
    return f"# {TITLE}\n\n{plain_markdown(sentence)}\n\n{table}\n\n{listed}\n"
