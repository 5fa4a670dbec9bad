"""The table of a sweep with chosen values."""

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

FREE: dict[str, Any] = {"by": "point", "max_drop_pp": None, "min_speedup": None, "max_bytes": None}


def make_table(**columns: Any) -> pd.DataFrame:
    """Return a row for each value of `agreement`; what is not given is the same in all rows."""
    count = len(columns["agreement"])
    table = pd.DataFrame(
        {
            "recipe": list("abcdefgh"[:count]),
            "delta_pp": 0.0,
            "bytes": 100,
            "speedup": 1.0,
            "total": 1000,
            "fixed": 5,
            "broken": 5,
            **columns,
        }
    )
    for name in ("top1", "kl_divergence", "sqnr_db", "images_per_second", "correct", "ties"):
        table[name] = 1.0
    for name in ("agreement_ci95", "delta_ci95"):
        for limit in ("low", "high"):
            table[f"{name}_{limit}{'_pp' if name.startswith('delta') else ''}"] = 0.0
    table["delta_ci95_low_pp"] = table["delta_pp"] - 0.5
    table["delta_ci95_high_pp"] = table["delta_pp"] + 0.5
    # Three percent to either side: not disturbed.
    table["speedup_ci95_low"] = 0.97 * table["speedup"]
    table["speedup_ci95_high"] = 1.03 * table["speedup"]
    return table


def draw_agreements(
    generator: np.random.Generator,
    recipes: int,
    images: int,
    agreement: float,
    shared: float,
    grouped: float,
) -> np.ndarray:
    """Return where recipes agree with float32, bool (recipes, images), all equally often.

    An image has a difficulty, of which `shared` is the same for all recipes, and `grouped` the same
    for every fifth one.
    """
    easy = generator.normal(size=images)
    groups = generator.normal(size=(5, images))[np.arange(recipes) % 5]
    own = generator.normal(size=(recipes, images))
    difficulty = (
        np.sqrt(shared) * easy + np.sqrt(grouped) * groups + np.sqrt(1 - shared - grouped) * own
    )
    return difficulty < NormalDist().inv_cdf(agreement)
