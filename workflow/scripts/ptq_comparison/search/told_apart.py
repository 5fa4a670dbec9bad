"""Which recipes the images tell apart: all pairs at once, since the best is picked on them, too."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from ptq_comparison.evaluation.metrics import SIGNIFICANCE, holm, mcnemar_exact_p

DRAWS = 5000
SIGNS_AT_ONCE = 2_500_000  # 10 MB
SEED = 0
ROUNDING = 1e-5  # of a statistic in float32


def read_agreements(
    recipes: Sequence[str], paths: Sequence[Path], baseline: Path, not_made: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Return by recipe on which images it predicts the same as float32, bool (N,).

    `paths` are those of predictions, in the order of `recipes`; those in `not_made` have none.
    """
    fp32 = np.load(baseline)["predicted"]
    return {
        name: np.load(path)["predicted"] == fp32
        for name, path in zip(recipes, paths, strict=True)
        if name not in not_made
    }


def not_worse(
    chosen: str, agrees: Mapping[str, np.ndarray], alpha: float = SIGNIFICANCE
) -> list[str]:
    """Return the recipes, without the chosen one, of which none is shown worse than another.

    `agrees` tells for each recipe on which images it predicts the same as float32, bool (N,).
    Whatever the chosen one, the chance that a recipe is left out that agrees as often as the best
    of them is at most `alpha`.
    """
    if len(agrees) == 2:
        return not_worse_of_few(chosen, agrees, alpha)
    p_values = dict(zip(agrees, worse_p(np.array(list(agrees.values()))), strict=True))
    return [name for name, p in p_values.items() if name != chosen and p >= alpha]


def not_worse_of_few(
    chosen: str, right: Mapping[str, np.ndarray], alpha: float = SIGNIFICANCE
) -> list[str]:
    """Return what `not_worse` does, by exact McNemar tests of all pairs with Holm's correction.

    It is exact, and nearly as sharp for a handful of models; of dozens it tells fewer apart.
    S. Holm, Scand. J. Stat. 6 (1979), 65-70.
    """
    pairs = list(combinations(right, 2))
    counts = [
        (int(np.sum(right[one] & ~right[other])), int(np.sum(~right[one] & right[other])))
        for one, other in pairs
    ]
    adjusted = holm([mcnemar_exact_p(*count) for count in counts])
    worse = {
        other if ahead > behind else one
        for (one, other), (ahead, behind), p in zip(pairs, counts, adjusted, strict=True)
        if p < alpha
    }
    return [name for name in right if name != chosen and name not in worse]


def worse_p(agrees: np.ndarray, seed: int = SEED, draws: int = DRAWS) -> np.ndarray:
    """Return for each recipe the p value of "it agrees as often as the best", float64 (recipes,).

    `agrees` is bool (recipes, N). The p values are corrected for all pairs: whichever recipes are
    the best, the chance that any of them gets one below 5 % is at most 5 %.

    Of two recipes, the images count that only one of them gets right, as in McNemar's test: their
    difference over the root of their number is the statistic, with the continuity correction of
    A. L. Edwards, Psychometrika 13 (1948), 185-187. If both agree equally often, such an image is
    as likely in favour of either. Random signs of whole images thus give the distribution of the
    largest statistic of all pairs, and keep how similar the recipes are, which Bonferroni's and
    Holm's corrections do not use. Recipes that are shown worse leave the family, step by step:
    P. H. Westfall and S. S. Young, Resampling-Based Multiple Testing, 1993; J. P. Romano and
    M. Wolf, Econometrica 73 (2005), 1237-1282.
    """
    telling = agrees[:, agrees.any(axis=0) & ~agrees.all(axis=0)].astype(np.float32)
    both = telling @ telling.T
    right = np.diag(both)
    roots = np.sqrt(np.maximum(right[:, None] + right - 2 * both, 1))
    # How far the best of all others is ahead of each.
    ahead = np.max(np.maximum(right[:, None] - right - 1, 0) / roots, axis=0)
    order = np.argsort(-ahead, kind="stable")  # in which they leave
    drawn = _draw_ahead(telling, roots, seed, draws)[:, order]
    largest = np.maximum.accumulate(drawn[:, ::-1], axis=1)[:, ::-1]  # of each and all after it
    p_values = (1 + np.sum(largest >= ahead[order] - ROUNDING, axis=0)) / (draws + 1)
    return np.asarray(np.maximum.accumulate(p_values)[np.argsort(order)])


def _draw_ahead(telling: np.ndarray, roots: np.ndarray, seed: int, draws: int) -> np.ndarray:
    """Return how far the best of all others is ahead of each recipe by chance, (draws, recipes).

    `telling` is 1 where a recipe agrees, float32 (recipes, images). Sums of so few ones are exact
    in float32, so that the result is the same on all machines.
    """
    count, images = telling.shape
    generator = np.random.default_rng(seed)
    ahead = np.zeros((draws, count), np.float32)
    at_once = max(1, SIGNS_AT_ONCE // max(images, 1))
    for start in range(0, draws, at_once):
        part = ahead[start : start + at_once]
        random = generator.integers(0, 256, (len(part), -(-images // 8)), np.uint8)
        kept = np.unpackbits(random, axis=1, count=images).astype(np.float32)
        sums = 2 * (kept @ telling.T) - telling.sum(axis=1)
        for recipe in range(count):
            np.maximum(part, (sums[:, [recipe]] - sums) / roots[recipe], out=part)
    return ahead
