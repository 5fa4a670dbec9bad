"""The recipe that the recipe auto starts from."""

import pandas as pd

from ptq_comparison.search.selection import Constraints, misses, most_agreeing, shortfall


def choose_base(table: pd.DataFrame, constraints: Constraints) -> str:
    """Return the recipe that agrees most often with float32, of those that the config allows.

    Where none is allowed, it is one of those that miss least: leaving nodes in float32 may make a
    recipe faster, and brings it nearer to float32. `table` is that of the recipes that could be
    made.
    """
    order = shortfall(misses(table, constraints))
    least = (order == order.sort_values(["count", "sum"]).iloc[0]).all(axis=1)
    return str(table.loc[most_agreeing(table[least]), "recipe"])
