"""Intervals that hold the value that they were made around."""

from collections.abc import Sequence


def enclose(interval: Sequence[float], value: float) -> tuple[float, float]:
    """Return the interval, which by theory holds the value, so that it does in floats, too.

    Where a limit is the value itself, as at 100 %, rounding may leave it an ulp beside.
    """
    low, high = interval
    return min(low, value), max(high, value)
