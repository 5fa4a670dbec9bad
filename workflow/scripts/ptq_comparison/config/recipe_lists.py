"""Lists of values in a recipe: a recipe for each value, or each combination of values."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import cut, named, shown

# Each takes seconds of a CPU and megabytes of disk, and is a name in Snakemake's patterns of files.
MAX_RECIPES = 1000
MAX_NAME = 1000  # letters of a value in a name; the schema refuses far shorter names
# Keys whose value is a list or a mapping by itself, and no grid.
WHOLE = (
    "float_nodes",
    "nodes_to_exclude",
    "op_types_to_quantize",
    "extra_options",
    "tensor_types",
)


def expand_recipes(recipes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return recipes without lists of values: a recipe a value, which it gets behind its name.

    `recipes` is that mapping of a recipes file. Raises UserError when two get the same name, for a
    list without values, which would give no recipe, and for more than `MAX_RECIPES`.
    """
    _check_lists(recipes)
    expanded: dict[str, dict[str, Any]] = {}
    for given, grid in recipes.items():
        for name, options in _expand(given, grid):
            if name in expanded:
                raise UserError(
                    f"recipes.{named(given)}: gives {shown(name)} once more; rename the recipe, or "
                    "remove a value that stands twice"
                )
            expanded[name] = options
    return expanded


def _check_lists(recipes: dict[str, dict[str, Any]]) -> None:
    """Count the recipes before they are made: five lists of 100 values are 10^10 of them."""
    count = 0
    for name, grid in recipes.items():
        lists = _lists(grid)
        for key in lists:
            if not grid[key]:
                raise UserError(
                    f"recipes.{named(name)}.{named(key)}: [] has no value; give one, or remove the "
                    "key"
                )
        count += math.prod(len(grid[key]) for key in lists)
        if count > MAX_RECIPES:
            total = cut(f"{count:,}", 30)
            raise UserError(
                f"recipes.{named(name)}: its lists bring the recipes to {total}; at most "
                f"{MAX_RECIPES:,} are allowed; shorten the lists, or leave recipes out"
            )


def _lists(grid: dict[str, Any]) -> list[str]:
    return [key for key, value in grid.items() if isinstance(value, list) and key not in WHOLE]


def _expand(name: str, grid: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    lists = _lists(grid)
    for values in itertools.product(*(grid[key] for key in lists)):
        chosen = dict(zip(lists, values, strict=True))
        yield "_".join([name, *(_word(*item) for item in chosen.items())]), {**grid, **chosen}


def _word(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return key if value else f"no_{key}"
    return str(value)[:MAX_NAME]
