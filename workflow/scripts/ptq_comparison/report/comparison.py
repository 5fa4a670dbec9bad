"""All models in one table."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ptq_comparison.common.texts import plain_markdown
from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.evaluation.results import Latency, LatencyRow
from ptq_comparison.report.cells import MARK, speed
from ptq_comparison.report.columns import (
    COMPARISON_CSV,
    COMPARISON_MAIN,
    COMPARISON_MORE,
    LATENCY,
    LATENCY_PAGE,
    csv_text,
    make_table,
    markdown_table,
    narrow_table,
    text_table,
)
from ptq_comparison.report.comparison_notes import (
    describe_run,
    disturbance_notes,
    float_notes,
    pixel_notes,
    saturation_warnings,
)
from ptq_comparison.report.decision import decide
from ptq_comparison.report.devices import (
    SPEED_KEYS,
    Brought,
    has_speeds,
    speed_cells,
    verdict_lines,
)
from ptq_comparison.report.latex import latex_table
from ptq_comparison.report.page import lead_to_html, table_to_html, to_page
from ptq_comparison.report.references import candidates, reference_notes
from ptq_comparison.report.terminal_table import WIDTH, terminal_table
from ptq_comparison.report.verdict import headline_speeds

TITLE = "What the model loses and gains in 8 bits"
MAIN_CAPTION = "Accuracy, size and speed"
MORE_CAPTION = "More about the models"
MAIN_LEGEND = "Difference to float32 on the same images, in percentage points"
SPEED_LEGEND = "; speed as a multiple of float32's, on this machine"
MOST_ROWS = 10  # of the summary, which one screen has to hold with the verdict
SPEED_CAPTION = "Speed by threads and batch size"


class Comparison(NamedTuple):
    """The comparison as text: the contents of seven files."""

    verdict: str
    summary: str
    csv: str
    markdown: str
    html: str
    landing: str
    latex: str


def compare(
    evaluations: list[Evaluation],
    right: Mapping[str, np.ndarray],
    latency: Latency | None,
    max_drop_pp: float,
    saturation_threshold: float,
    published_top1: float | None,
    diagnosis: Sequence[str] = (),
    references: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    devices: Sequence[Brought] = (),
) -> Comparison:
    """Compare all models with float32, which comes first.

    `right` tells by model on which test images it is right, bool (N,). `latency` is None where no
    speed was measured. `max_drop_pp` is the loss up to which a model can be shipped, in percentage
    points. `saturation_threshold` is the share of changed
    predictions that is worth a warning, `published_top1` a fraction, `diagnosis` says why models
    have lost too much. `references` are what make_reference writes, by name, `devices` what
    gather_devices does.
    """
    speeds = headline_speeds(latency)
    chosen, sentences = decide(candidates(evaluations), right, speeds, max_drop_pp)
    there = verdict_lines(devices)
    sentence, lead = " ".join(sentences), "\n".join([*sentences, *there])
    table = comparison_table(evaluations, speeds)
    notes = [*diagnosis]
    notes += disturbance_notes(latency)
    notes += saturation_warnings(evaluations, saturation_threshold)
    notes += [note for device in devices for note in device["notes"]]
    notes += reference_notes(evaluations, speeds, references)
    notes += float_notes(evaluations)
    notes += pixel_notes(evaluations)
    notes += describe_run(evaluations, speeds, published_top1)
    main, more = main_table(table), more_table(table)
    on_devices = device_speeds(evaluations, devices)
    shown = with_device_speeds(main, on_devices)
    tables = {MAIN_CAPTION: shown, MORE_CAPTION: more}
    if latency:
        tables[SPEED_CAPTION] = speed_table(latency)
    return Comparison(
        lead + "\n",
        to_summary(table, chosen, [*sentences, *there]),
        csv_text(pd.concat([table, *on_devices.values()], axis="columns")),
        to_markdown(sentence, shown, more, notes, there),
        to_page(TITLE, lead, tables, notes),
        to_landing(lead, shown),
        latex_table(main),
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
    # Without the count of a model, plain pandas would make the others 5.0.
    return make_table(records, COMPARISON_CSV).astype({"integer_nodes": "Int64"})


def device_speeds(
    evaluations: list[Evaluation], devices: Sequence[Brought]
) -> dict[str, pd.DataFrame]:
    """Return the speed of all models on each device with times, by its name, one row a model.

    The columns are speed and both ends of its 95 % interval, with the name of the device.
    """
    names = [evaluation["model"]["name"] for evaluation in evaluations]
    return {
        device["name"]: pd.DataFrame(speed_cells(names, device))
        .astype("float64")
        .rename(
            columns=lambda key, name=device["name"]: key.replace("speedup", f"speedup_{name}", 1)
        )
        for device in devices
        if has_speeds(device)
    }


def with_device_speeds(main: pd.DataFrame, speeds: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the table that decides with a column of texts for each device."""
    columns = {
        f"speed on {name}": [
            speed(dict(zip(SPEED_KEYS, row, strict=True))) for row in table.itertuples(index=False)
        ]
        for name, table in speeds.items()
    }
    return main.assign(**columns) if columns else main


def main_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the comparison that decide, as text: an interval beside its value."""
    return text_table(table, COMPARISON_MAIN)


def more_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the other columns of the comparison, as text."""
    return text_table(table, COMPARISON_MORE)


def speed_table(latency: Latency) -> pd.DataFrame:
    """Return every measurement of latency.json as text."""
    records = (
        {
            "model": {"name": row["model"]},
            "latency": row,
            "peak_memory_mib": (row["peak_memory_bytes"] or math.nan) / 2**20,
        }
        for row in latency["measurements"]
    )
    return text_table(make_table(records, LATENCY), LATENCY_PAGE)


def to_summary(table: pd.DataFrame, chosen: str | None, sentences: Sequence[str]) -> str:
    """Return table and verdict as text for a terminal of 80 columns.

    Of many models, float32 and the first ones are shown, and the `chosen` one.
    """
    shown = (table.index < MOST_ROWS) | (table["model"] == chosen)
    rows = terminal_table(table[shown].to_dict("records"))
    if not shown.all():
        rows += f"\nand {(~shown).sum()} more in results/comparison.md"
    paragraphs = [
        textwrap.fill(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)
        for sentence in sentences
    ]
    return "\n".join([rows, "", *paragraphs, ""])


def to_markdown(
    sentence: str,
    main: pd.DataFrame,
    more: pd.DataFrame,
    notes: list[str],
    devices: Sequence[str] = (),
) -> str:
    """Return the verdict, both tables and the notes as Markdown; 80 columns hold the first one.

    With the speeds of other `devices`, of which there are paragraphs, it is wider.
    """
    verdict = "\n\n".join(map(plain_markdown, [sentence, *devices]))
    tables = f"{narrow_table(main)}\n\n{markdown_table(more)}"
    listed = "\n".join(f"- {plain_markdown(note)}" for note in notes)
    return f"# {TITLE}\n\n{verdict}\n\n{tables}\n\n{listed}\n"


def to_landing(lead: str, main: pd.DataFrame) -> str:
    """Return verdict and table as HTML without a page around, for the first page of the report."""
    legend = MAIN_LEGEND + SPEED_LEGEND * ("speed" in main)
    if any(str(heading).startswith("speed on ") for heading in main):
        legend += " or on the device"
    if main.map(lambda cell: cell.endswith(MARK)).any(axis=None):
        legend += f"; {MARK} disturbed by other load"
    return (
        f"{lead_to_html(lead)}\n"
        f"{table_to_html(main, MAIN_CAPTION, 'comparison')}\n<p>{legend}.</p>\n"
    )
