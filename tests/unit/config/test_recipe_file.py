"""The file of the recipes: what is no mapping of names to mappings is one line."""

import re

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.recipe_file import NO_RECIPES, parse_recipes


def test_anchors_and_merges_are_no_repetition():
    text = """
    recipes:
      a: &a {dtype: int8, per_channel: false}
      b: &b {<<: *a, per_channel: true}
      c: {<<: *b, per_channel: false, reduce_range: true}
    """
    recipes = parse_recipes(text)["recipes"]
    assert recipes["b"] == {"dtype": "int8", "per_channel": True}
    assert recipes["c"] == {"dtype": "int8", "per_channel": False, "reduce_range": True}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", NO_RECIPES),
        ("- int8", NO_RECIPES),
        ("recipes: []", NO_RECIPES),
        ("recipes:", NO_RECIPES),
        ("recipes: {a: {dtype: int8}", "no YAML (while parsing a flow mapping"),
        ("recipes: {8: {dtype: int8}}", "recipes: the name 8 is no text; put it in quotes"),
        ("recipes: {null: {dtype: int8}}", "recipes: the name None is no text; put it in quotes"),
        ("recipes:\n  a:", "recipes.a: has None; give a mapping of options"),
        ("recipes:\n  a: int8", "recipes.a: has 'int8'; give a mapping of options"),
        (
            "recipes:\n  a: {dtype: int8}\n  b: {dtype: int8}\n  a: {dtype: uint8}",
            "line 4: 'a' stands there once more; rename or remove one of them",
        ),
        ("recipes: {a: {dtype: int8, dtype: uint8}}", "line 1: 'dtype' stands there once more"),
    ],
)
def test_a_mistake_is_one_line(text, line):
    with pytest.raises(UserError, match=re.escape(line)) as error:
        parse_recipes(text)
    assert "\n" not in str(error.value)
