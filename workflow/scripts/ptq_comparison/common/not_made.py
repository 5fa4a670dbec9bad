"""Markers in place of files that could not be made, for one of many: a recipe, or a node.

Snakemake ends a run at a job that fails. A job that writes a marker and succeeds lets the others go
on, and whoever gathers them finds the reason in the marker.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from ptq_comparison.common.files import write_text

START = b'{"not_made": "'  # no file of another content begins with it


def write_not_made(path: Path, reason: str) -> None:
    """Write a marker, a JSON object of one line, in place of a file of any kind."""
    write_text(path, json.dumps({"not_made": " ".join(reason.split())}) + "\n")


def read_not_made(path: Path) -> str | None:
    """Return the reason if the file is a marker, else None; of other files a few bytes are read.

    Raises OSError for a file that is not there.
    """
    if path.is_dir():  # a data set, for instance
        return None
    with path.open("rb") as file:
        if file.read(len(START)) != START:
            return None
    reason: str = json.loads(path.read_text())["not_made"]
    return reason


def summarize_not_made(reasons: Mapping[str, str], count: int) -> str:
    """Return a sentence that names what of `count` recipes could not be made; "" for nothing.

    `reasons` are those of the recipes that could not be made, by name.
    """
    if not reasons:
        return ""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    told = "; ".join(f"{', '.join(group)} ({reason})" for reason, group in names.items())
    return f"{len(reasons)} of {count} recipes could not be made: {told}."
