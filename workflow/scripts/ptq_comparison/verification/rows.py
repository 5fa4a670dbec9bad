"""A row of verification.json."""

from pathlib import Path
from typing import Any, Literal, TypedDict

# What the section `acceptance` asks for, and what the workflow checks of itself.
Kind = Literal["your requirement", "self check"]


class Evidence(TypedDict):
    """Where the measured value of a requirement can be looked up."""

    file: str
    key: str | None


class Requirement(TypedDict):
    """A row of verification.json; `skipped` tells why nothing could be measured, None if it was."""

    id: str
    kind: Kind
    requirement: str
    expected: Any
    measured: Any
    passed: bool
    skipped: str | None
    evidence: Evidence


def requirement(
    id: str,
    text: str,
    expected: Any,
    measured: Any,
    passed: bool,
    path: Path,
    key: str | None = None,
    kind: Kind = "self check",
    skipped: str | None = None,
) -> Requirement:
    """Return a row; `path` and `key` tell where `measured` can be looked up."""
    return {
        "id": id,
        "kind": kind,
        "requirement": text,
        "expected": expected,
        "measured": measured,
        "passed": bool(passed),
        "skipped": skipped,
        "evidence": {"file": str(path), "key": key},
    }


def value_at(content: Any, key: str) -> Any:
    """Return what lies under a key such as `a.b.0`; None where something on the way is None."""
    for part in key.split("."):
        if content is None:
            break
        content = content[int(part) if isinstance(content, list) else part]
    return content
