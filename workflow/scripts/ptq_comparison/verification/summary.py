"""The requirements that `verification` has checked, for people."""

from typing import Any

from tabulate import tabulate


def table_rows(requirements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row of texts for each requirement, by heading."""
    return [
        {
            "": "pass" if row["passed"] else "FAIL",
            "requirement": row["requirement"],
            "expected": row["expected"],
            "measured": _text(row["measured"]),
            "evidence": " ".join(filter(None, row["evidence"].values())),
        }
        for row in requirements
    ]


def _text(measured: Any) -> Any:
    """Return what is known of an object, without braces and quotes."""
    if not isinstance(measured, dict):
        return measured
    return ", ".join(f"{key} {value}" for key, value in measured.items() if value is not None)


def to_markdown(requirements: list[dict[str, Any]]) -> str:
    """Return the report as a Markdown table."""
    rows = table_rows(requirements)
    table = tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True)
    return f"# Verification\n\n{summarize(requirements)}\n\n{table}\n"


def summarize(requirements: list[dict[str, Any]]) -> str:
    """Return one sentence: how many requirements hold, and which do not."""
    failed = [row["requirement"] for row in requirements if not row["passed"]]
    held = f"{len(requirements) - len(failed)} of {len(requirements)} requirements hold"
    return f"{held}; not: {'; '.join(failed)}." if failed else f"{held}."


def failure_lines(requirements: list[dict[str, Any]]) -> list[str]:
    """Return one line for each requirement that fails: what, expected, measured, where."""
    return [
        f"{row['id']}: {row['requirement']}: expected {row['expected']}, measured "
        f"{row['measured']} ({' '.join(filter(None, row['evidence'].values()))})"
        for row in requirements
        if not row["passed"]
    ]
