"""Counts of trials, which the tests record and pytest prints at the end."""

from collections.abc import Callable

import pytest


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Callable[[str, int, int], None]:
    """Return a function that records a kind of trials: its name, how many, how many survived.

    Survived means: refused in one line or done right; no signal, no traceback, nothing lost.
    Counts of the same name are added up.
    """

    def record(trial: str, tried: int, survived: int) -> None:
        record_property("tally", [trial, tried, survived])

    return record
