"""Rows of a table as CSV, where loading pandas would take longer than the work."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ptq_comparison.common.files import write_text

# Columns that hold no numbers; a node may be called 12.
TEXTS = ("node", "op_type", "mode", "reason")


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of the same keys as CSV; None becomes an empty cell."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


def read_rows(path: Path) -> Any:
    """Read the rows that `write_rows` has written: numbers as int or float, empty cells as None."""
    with path.open(newline="") as file:
        return [
            {key: value if key in TEXTS else _number(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def _number(text: str) -> int | float | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)
