"""How far results of several draws of calibration images lie apart."""

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from ptq_comparison.stability.results import Compared, Draw, DrawRow

FEWEST_COMPARED = 5  # draws from which two standard deviations are compared


class Spread(NamedTuple):
    """Mean, standard deviation (of n - 1) and range of values, in their unit."""

    mean: float
    sd: float
    low: float
    high: float


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of at least two values."""
    array = np.array(list(values), dtype=np.float64)
    return Spread(
        float(array.mean()), float(array.std(ddof=1)), float(array.min()), float(array.max())
    )


def rows_by_model(draws: Sequence[Draw]) -> dict[str, list[DrawRow]]:
    """Return for each model its rows, in the order of the draws."""
    rows: dict[str, list[DrawRow]] = {}
    for draw in draws:
        for row in draw["models"]:
            rows.setdefault(row["model"], []).append(row)
    return rows


def sampling_error_pp(rows: Sequence[Compared]) -> float:
    """Return the standard error that test images leave to a paired difference, in pp.

    The variance of `fixed - broken` among so many images, in the mean of the draws.
    """
    variances = [
        (row["fixed"] + row["broken"] - (row["fixed"] - row["broken"]) ** 2 / row["total"])
        / row["total"] ** 2
        for row in rows
    ]
    return 100 * math.sqrt(sum(variances) / len(variances))


def equal_spread_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p value of the test that two models spread equally over the same draws.

    Sums and differences of pairs are uncorrelated where the variances are equal: E. J. G. Pitman,
    Biometrika 31 (1939), 9-12, and W. A. Morgan, ibid., 13-19. The correlation is tested by
    Fisher's transformation, which needs at least `FEWEST_COMPARED` pairs; 1.0 below, and for pairs
    without any difference of their spread.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    total, difference = (values - values.mean() for values in (a + b, a - b))
    scale = math.sqrt(float(np.sum(total**2) * np.sum(difference**2)))
    if len(a) < FEWEST_COMPARED or scale == 0:
        return 1.0
    correlation = min(max(float(np.sum(total * difference)) / scale, -1 + 1e-15), 1 - 1e-15)
    z = math.atanh(correlation) * math.sqrt(len(a) - 3)
    return 2 * NormalDist().cdf(-abs(z))
