"""Rows of verification.json, and tables and sentences for people made from them."""

from typing import Any, TypedDict

from tabulate import tabulate

from ptq_comparison.common.texts import plain_markdown


class Evidence(TypedDict):
    """Where the measured value of a requirement can be looked up."""

    file: str
    key: str | None


class Requirement(TypedDict):
    """A row of verification.json."""

    id: str
    requirement: str
    expected: Any
    measured: Any
    passed: bool
    evidence: Evidence


def table_rows(requirements: list[Requirement]) -> list[dict[str, Any]]:
    """Return a row of texts for each requirement, by heading."""
    return [
        {
            "": "pass" if row["passed"] else "FAIL",
            "requirement": row["requirement"],
            "expected": row["expected"],
            "measured": _text(row["measured"]),
            "evidence": _evidence(row),
        }
        for row in requirements
    ]


def _evidence(row: Requirement) -> str:
    return f"{row['evidence']['file']} {row['evidence']['key'] or ''}".rstrip()


def _text(measured: Any) -> Any:
    """Return what is known of an object, without braces and quotes; of a list, its length."""
    if not isinstance(measured, dict):
        return measured
    return ", ".join(
        f"{key} {len(value) if isinstance(value, list) else value}"
        for key, value in measured.items()
        if value is not None
    )


def to_markdown(requirements: list[Requirement]) -> str:
    """Return the report as a Markdown table."""
    rows = [
        {key: plain_markdown(str(value)) for key, value in row.items()}
        for row in table_rows(requirements)
    ]
    table = tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True)
    return f"# Verification\n\n{plain_markdown(summarize(requirements))}\n\n{table}\n"


def summarize(requirements: list[Requirement]) -> str:
    """Return one sentence: how many requirements hold, and which do not."""
    failed = [row["requirement"] for row in requirements if not row["passed"]]
    held = f"{len(requirements) - len(failed)} of {len(requirements)} requirements hold"
    return f"{held}; not: {'; '.join(failed)}." if failed else f"{held}."


def failure_lines(requirements: list[Requirement]) -> list[str]:
    """Return one line for each requirement that fails: what, expected, measured, where."""
    return [
        f"{row['id']}: {row['requirement']}: expected {row['expected']}, measured "
        f"{row['measured']} ({_evidence(row)})"
        for row in requirements
        if not row["passed"]
    ]
