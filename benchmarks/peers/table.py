"""Measured rows in a file, and the tables that docs/comparison.md has of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ptq_comparison.common.files import write_text
from ptq_comparison.evaluation.disturbance import is_disturbed

Row = dict[str, Any]
Tables = dict[str, dict[str, Any]]  # by heading: what all rows have in common, and `rows`

BEGIN, END = "<!-- peers: begin, by benchmarks.peers -->", "<!-- peers: end -->"
COLUMNS = (
    "tool", "version", "model", "agreement with float32 (95 %)", "top-1, pp (95 %)", "KB",
    "speed (95 %)",
)  # fmt: skip


def merge(
    tables: Tables, title: str, identity: dict[str, Any], rows: Sequence[Row], order: Sequence[str]
) -> Tables:
    """Return the tables with rows in one of them, in place of all that it has of their tools.

    `identity` are the images and the float32 model, `order` is that of the tools. Raises ValueError
    where the table is of other ones: their rows cannot be compared.
    """
    table = tables.get(title, {**identity, "rows": []})
    kept = [row for row in table["rows"] if row["tool"] not in {new["tool"] for new in rows}]
    if kept and {**table, "rows": []} != {**identity, "rows": []}:
        names = ", ".join(dict.fromkeys(row["tool"] for row in kept))
        raise ValueError(
            f"the table {title!r} is of another model or other images ({names}); "
            "measure all its tools again, or give another --title"
        )
    merged = sorted([*kept, *rows], key=lambda row: order.index(row["tool"]))
    return {**tables, title: {**identity, "rows": merged}}


def read_tables(path: Path) -> Tables:
    """Read the file of rows; none where it is absent."""
    tables: Tables = json.loads(path.read_text()) if path.is_file() else {}
    return tables


def write_tables(tables: Tables, rows: Path, page: Path) -> None:
    """Write the file of rows, and the tables between the markers of a Markdown page.

    Raises ValueError where the page does not have each marker once, in this order.
    """
    text = between_markers(page.read_text(), markdown(tables))
    write_text(rows, json.dumps(tables, indent=1) + "\n")
    write_text(page, text)


def between_markers(text: str, content: str) -> str:
    """Return a text with other content between the markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or text.count(BEGIN) + text.count(END) != 2:
        raise ValueError(f"{BEGIN!r} and {END!r} must be on the page, once each")
    return f"{before}{BEGIN}\n\n{content}\n{END}{after}"


def markdown(tables: Tables) -> str:
    """Return all tables in Markdown."""
    return "\n".join(_table(title, table) for title, table in tables.items())


def _table(title: str, table: dict[str, Any]) -> str:
    rows = table["rows"]
    lines = [
        f"### {title}",
        "",
        f"{table['images']:,} test images, {table['calibration_images']:,} calibration images.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
        "",
    ]
    if any(_is_disturbed(row) for row in rows):
        lines += ["`*`: other load disturbed the measurement; the interval is wide.", ""]
    measured: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        tools = measured.setdefault((row["date"], row["cpu"]), [])
        if row["tool"] not in tools:
            tools.append(row["tool"])
    for (date, cpu), tools in measured.items():
        lines.append(f"Measured on {date}, {cpu}: {', '.join(tools)}.")
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    name = [row["tool"], row["version"] or "", row["variant"]]
    if row.get("error"):
        reason = row["error"].replace("|", "\\|").replace("<", "&lt;")
        return [*name, f"not run: {reason}", "", "", ""]
    low, high = (f"{100 * limit:.1f}" for limit in row["agreement_ci95"])
    agreement = f"{100 * row['agreement']:.1f} % ({low} to {high})"
    difference = f"{row['delta_pp']:+.2f} ({row['delta_ci95_pp'][0]:+.2f} to "
    difference += f"{row['delta_ci95_pp'][1]:+.2f})"
    speed = f"{row['speedup']:.2f}"
    if row["speedup_ci95"][0] < row["speedup_ci95"][1]:
        speed += " ({:.2f} to {:.2f})".format(*row["speedup_ci95"])
    if row["variant"] == "float32":
        agreement, difference = "", f"{100 * row['top1']:.2f} %"
    mark = " *" if _is_disturbed(row) else ""
    return [*name, agreement, difference, f"{row['bytes'] / 1000:.0f}", speed + mark]


def _is_disturbed(row: Row) -> bool:
    return "speedup" in row and is_disturbed(row["speedup"], row["speedup_ci95"])
