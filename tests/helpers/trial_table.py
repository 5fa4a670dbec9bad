"""The table of trials, as pytest prints it and as `docs/reliability.md` holds it."""

import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

START, END = "<!-- counts -->", "<!-- end of counts -->"


def trial_table(counts: Mapping[str, Sequence[int]]) -> list[str]:
    """Return a Markdown table of the trials, by name: how many were tried, how many survived."""
    tried, survived = (sum(count[n] for count in counts.values()) for n in (0, 1))
    return [
        "| trial | tried | survived |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {count[0]:,} | {count[1]:,} |" for name, count in sorted(counts.items())),
        f"| all | {tried:,} | {survived:,} |",
    ]


def write_between_marks(page: Path, table: Sequence[str]) -> None:
    """Replace what is between two marks of a page by the table, with the date and Python."""
    before, rest = page.read_text().split(START)
    after = rest.split(END)[1]
    made = f"Made by `make soak` on {date.today()}, Python {platform.python_version()}."
    page.write_text("\n".join([f"{before}{START}", "", made, "", *table, "", f"{END}{after}"]))
