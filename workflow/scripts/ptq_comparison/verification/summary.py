"""Rows of verification.json, and tables and sentences for people made from them."""

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from ptq_comparison.common.texts import plain_markdown
from ptq_comparison.verification.rows import Kind, Requirement

HEADINGS: dict[Kind, str] = {
    "your requirement": "Your requirements",
    "self check": "Self checks",
}
REMEDIES: dict[Kind, str] = {
    "your requirement": "change the quantization, or the acceptance section",
    "self check": "where a self check fails, results may be wrong: look at its evidence",
}
NARROWER = "more test images narrow an interval"


def tables_by_kind(requirements: list[Requirement]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a table for each kind, under its heading."""
    tables = {}
    for kind, heading in HEADINGS.items():
        rows = [row for row in requirements if row["kind"] == kind]
        if rows:
            held = sum(row["passed"] for row in rows)
            tables[f"{heading}: {held} of {len(rows)} hold"] = table_rows(rows)
    return tables


def table_rows(requirements: list[Requirement]) -> list[dict[str, Any]]:
    """Return a row of texts for each requirement, by heading."""
    return [
        {
            "": "pass" if row["passed"] else "FAIL",
            "requirement": row["requirement"],
            "expected": _text(row["expected"]),
            "measured": _text(row["measured"]),
            "evidence": _evidence(row),
        }
        for row in requirements
    ]


def _evidence(row: Requirement) -> str:
    return f"{row['evidence']['file']} {row['evidence']['key'] or ''}".rstrip()


def _text(value: Any) -> Any:
    """Return numbers and intervals for people, and what is known of an object, without braces."""
    if isinstance(value, dict):
        return ", ".join(
            f"{key} {len(item) if _is_long(item) else _text(item)}"
            for key, item in value.items()
            if item is not None
        )
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list) and not _is_long(value):
        return " to ".join(str(_text(limit)) for limit in value)
    return value


def _is_long(value: Any) -> bool:
    """Tell whether a value is a list other than the two limits of an interval."""
    is_interval = isinstance(value, list) and [type(limit) for limit in value] == [float, float]
    return isinstance(value, list) and not is_interval


def to_markdown(requirements: list[Requirement], notes: Sequence[str] = ()) -> str:
    """Return the report as a Markdown table for each kind, and notes below them."""
    tables = "\n".join(
        f"## {heading}\n\n{markdown_rows(rows)}\n"
        for heading, rows in tables_by_kind(requirements).items()
    )
    below = "".join(f"\n- {plain_markdown(note)}" for note in notes) + "\n" * bool(notes)
    return f"# Verification\n\n{plain_markdown(summarize(requirements))}\n\n{tables}{below}"


def markdown_rows(rows: list[dict[str, Any]]) -> str:
    """Return rows of `table_rows` as a Markdown table."""
    plain = [{key: plain_markdown(str(value)) for key, value in row.items()} for row in rows]
    return str(tabulate(plain, headers="keys", tablefmt="github", disable_numparse=True))


def summarize(requirements: list[Requirement]) -> str:
    """Return one sentence: how many requirements hold, and which do not."""
    failed = [row["requirement"] for row in requirements if not row["passed"]]
    held = f"{len(requirements) - len(failed)} of {len(requirements)} requirements hold"
    return f"{held}; not: {'; '.join(failed)}." if failed else f"{held}."


def count_kinds(requirements: list[Requirement]) -> str:
    """Return how many of the requirements are yours, and how many self checks."""
    own = sum(row["kind"] == "your requirement" for row in requirements)
    return f"{own} of yours and {len(requirements) - own} self checks"


def failure_line(row: Requirement) -> str:
    """Return one line on a requirement: what, expected, measured, where."""
    return (
        f"{row['id']}: {row['requirement']}: expected {_text(row['expected'])}, measured "
        f"{_text(row['measured'])} ({_evidence(row)})"
    )


def gate_error(requirements: list[Requirement]) -> str | None:
    """Return one line that names what does not hold and what to do, yours first; None if all does.

    Self checks are named so.
    """
    failed = {kind: [row for row in requirements if _fails(row, kind)] for kind in HEADINGS}
    kinds = [kind for kind, rows in failed.items() if rows]
    if not kinds:
        return None
    lines = [
        f"{'self check ' * (kind == 'self check')}{failure_line(row)}"
        for kind in kinds
        for row in failed[kind]
    ]
    remedies = [REMEDIES[kind] for kind in kinds]
    if any(isinstance(row["measured"], list) for row in failed["your requirement"]):
        remedies.append(NARROWER)
    return (
        f"{len(lines)} of {len(requirements)} requirements do not hold: "
        f"{'; '.join([*lines, *remedies])}"
    )


def _fails(row: Requirement, kind: Kind) -> bool:
    return row["kind"] == kind and not row["passed"]
