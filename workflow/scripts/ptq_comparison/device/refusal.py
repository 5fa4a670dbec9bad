"""Messages that refuse a file whose figures do not follow from each other."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import named, shown
from ptq_comparison.device.device_file import AGAIN
from ptq_comparison.device.results import DeviceRow

TOLERANCE = 1e-6  # of a figure that is computed again, with another NumPy


def refuse(path: Path, key: str, found: Any, expected: Any, why: str) -> NoReturn:
    """Raise UserError: a figure is not what follows from others."""
    raise UserError(
        f"{path}: {key} is {_text(found)}, but {_text(expected)} follows from {why}; the file was "
        f"changed after it was measured: {AGAIN}"
    )


def require(path: Path, key: str, found: Any, expected: Any, why: str) -> None:
    """Refuse a number, or a list of numbers, that is not the expected one; None equals None."""
    if found is None or expected is None:
        same = found is expected
    else:
        pairs = zip(np.atleast_1d(found), np.atleast_1d(expected), strict=True)
        same = all(is_close(*pair) for pair in pairs)
    if not same:
        refuse(path, key, found, expected, why)


def is_close(one: float, other: float) -> bool:
    """Tell whether a figure is what was computed again."""
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-9)


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_text, value))}]"
    return value if isinstance(value, str) else shown(value)


def place_of(row: DeviceRow, key: str) -> str:
    """Return a key of a model as messages name it."""
    return f"models.{named(row['name'])}.{key}"
