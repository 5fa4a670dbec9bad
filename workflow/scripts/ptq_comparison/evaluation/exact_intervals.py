"""Intervals that are never too narrow, however high their level: for many models at once.

Wilson's and Tango's hold their level on average; at the level that one of fifty models needs, and
with few disagreements, they miss the truth up to twice as often as they should.
"""

import math
from functools import lru_cache

import numpy as np

from ptq_comparison.evaluation.enclosed import enclose
from ptq_comparison.evaluation.metrics import SIGNIFICANCE

HALVINGS = 60  # of the range where a limit is searched


def clopper_pearson_interval(
    correct: int, total: int, alpha: float = SIGNIFICANCE
) -> tuple[float, float]:
    """Return the exact interval of a share, as fractions, which holds it in 1 - `alpha` or more.

    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), 404-413.
    """
    low = 1 - _upper_limit(total - correct, total, alpha / 2)
    return enclose((low, _upper_limit(correct, total, alpha / 2)), correct / total)


@lru_cache(10_000)
def _upper_limit(count: int, total: int, tail: float) -> float:
    """Return the share at which no more than `count` of `total` have the probability `tail`."""
    if count == total:
        return 1.0
    counts = np.arange(count + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log((total - counts[:-1]) / counts[1:]))])
    low, high = count / total, 1.0
    for _ in range(HALVINGS):
        share = (low + high) / 2
        if share == 1.0:  # between two floats
            break
        logs = ways + counts * math.log(share) + (total - counts) * math.log1p(-share)
        if np.exp(logs).sum() > tail:
            low = share
        else:
            high = share
    return high


def conservative_difference_interval(
    fixed: int, broken: int, total: int, alpha: float = SIGNIFICANCE
) -> tuple[float, float]:
    """Return an interval of the paired accuracy difference, as fractions.

    The arguments are those of `metrics.paired_difference_interval`. The exact intervals of the
    shares of `fixed` and `broken` are combined as G. Y. Zou and A. Donner, Stat. Med. 27 (2008),
    1693-1702, combine intervals, with the correlation of two shares of one multinomial. Summed
    over all outcomes, it misses the truth in less than `alpha`, also of 1 in 1,000 (see its test).
    """
    share, other = fixed / total, broken / total
    low, high = clopper_pearson_interval(fixed, total, alpha)
    other_low, other_high = clopper_pearson_interval(broken, total, alpha)
    together = 1.0
    if share + other < 1:
        together = math.sqrt(share * other / ((1 - share) * (1 - other)))

    def combine(one: float, two: float) -> float:
        return math.sqrt(one * one + two * two + 2 * together * one * two)

    difference = share - other
    limits = (
        max(difference - combine(share - low, other_high - other), -1.0),
        min(difference + combine(high - share, other - other_low), 1.0),
    )
    return enclose(limits, difference)
