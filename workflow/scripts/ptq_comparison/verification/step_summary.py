"""What the target gate adds to the summary of a step in GitHub Actions."""

import os
from pathlib import Path

from ptq_comparison.verification.rows import Requirement
from ptq_comparison.verification.summary import markdown_rows, summarize, table_rows


def step_summary(comparison: str, requirements: list[Requirement]) -> str:
    """Return Markdown: the comparison, and below it a table of the requirements that fail."""
    failed = table_rows([row for row in requirements if not row["passed"]])
    lead = summarize(requirements).split(";")[0].rstrip(".")
    table = f"\n{markdown_rows(failed)}\n" if failed else ""
    return f"{comparison.rstrip()}\n\n## Gate\n\n{lead}.\n{table}\n"


def append_summary(path: Path, text: str) -> str | None:
    """Append a text to a file; return None, or one line that says why it could not be written.

    The gate goes on without it. A FIFO that nobody reads is refused, not waited for.
    """
    try:
        with open(path, "a", encoding="utf-8", opener=_open) as file:
            file.write(text)
    except OSError as error:
        return f"GITHUB_STEP_SUMMARY: {path}: cannot be written ({error.strerror}); left out"
    return None


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK, 0o666)
