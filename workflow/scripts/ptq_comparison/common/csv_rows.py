"""Rows of a table as CSV, where loading pandas would take longer than the work.

A spreadsheet takes a cell that begins with `=` for a formula, and names in a model may do so. Such
a text gets an apostrophe in front, which spreadsheets do not show, and loses it when it is read
(OWASP, CSV Injection).
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ptq_comparison.common.files import write_text

# Columns that hold no numbers; a node may be called 12.
TEXTS = ("node", "op_type", "mode", "reason")

# With apostrophes of its own in front, so that the one that is added can be told.
FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def quote_formula(value: Any) -> Any:
    """Return a text that no spreadsheet takes for a formula; numbers and other values stay."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def unquote_formula(value: Any) -> Any:
    """Return the value that `quote_formula` was given."""
    quoted = isinstance(value, str) and value.startswith("'") and FORMULA.match(value)
    return value[1:] if quoted else value


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of the same keys as CSV, texts without formulas; None becomes an empty cell."""
    buffer = io.StringIO()
    # Python 3.11 leaves a carriage return without quotes unless it is a part of the end of a line.
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({key: quote_formula(value) for key, value in row.items()} for row in rows)
    write_text(path, buffer.getvalue().replace("\r\n", "\n"))


def read_rows(path: Path) -> Any:
    """Read the rows that `write_rows` has written: numbers as int or float, empty cells as None."""
    with path.open(newline="") as file:
        return [
            {
                key: unquote_formula(value) if key in TEXTS else _number(value)
                for key, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


def _number(text: str) -> int | float | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)
