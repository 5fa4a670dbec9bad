"""The file of the recipes: what is no mapping of names to mappings is one line."""

import pytest
import yaml
from helpers import REPOSITORY
from ptq_comparison.config.recipe_file import NO_RECIPES, read_recipes
from ptq_comparison.config.schema import load_schema
from ptq_comparison.datasets.readers import KINDS

CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
SCHEMA = load_schema(REPOSITORY / "workflow/schemas/recipes.schema.yaml", dataset_kinds=KINDS)


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        path = tmp_path / "recipes.yaml"
        path.write_text(text)
        return read_recipes(path, SCHEMA, CONFIG)

    return read_text


def test_anchors_and_merges_are_no_repetition(read):
    text = """
    recipes:
      a: &a {dtype: int8, per_channel: false}
      b: &b {<<: *a, per_channel: true}
      c: {<<: *b, per_channel: false, reduce_range: true}
    """
    recipes, errors = read(text)
    assert not errors
    assert recipes["b"]["per_channel"]
    assert recipes["c"]["reduce_range"]
    assert not recipes["a"]["per_channel"]
    assert not recipes["c"]["per_channel"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "no mapping at the top"),
        ("recipes: []", NO_RECIPES),
        ("recipes:", NO_RECIPES),
        ("int8: {dtype: int8}", NO_RECIPES),
        ("recipes: {}", "recipes: {} should be non-empty"),
        ("recipes: {8: {dtype: int8}}", "line 1: the key '8' is no text; put it in quotes"),
        ("recipes:\n  a:", "recipes.a: has None; give a mapping of options"),
        ("recipes:\n  a: int8", "recipes.a: has 'int8'; give a mapping of options"),
        ("recipes: {a: {dtype: int8, dtype: uint8}}", "line 1: 'dtype' stands there once more"),
        ("recipes: {a b: {dtype: int8}}", "recipes: 'a b' does not match"),
        (f"recipes: {{{'a' * 500}: {{dtype: int8}}}}", "has 500 letters; at most 150 are allowed"),
        ("recipes: {a: {dtype: int8, percentile: [99, .nan]}}", "a_nan.percentile: nan is not a f"),
        ('recipes: {"a\\n": {dtype: int8}}', "recipes: 'a\\n' has a line break"),
        (
            f"recipes: {{a: {{dtype: int8, method: [{'x' * 5000}]}}}}",
            "letters; at most 150 are allowed",
        ),
    ],
)
def test_a_mistake_is_one_line(read, text, line):
    recipes, (error, *_) = read(text)
    assert recipes == {}
    assert line in error
    assert "\n" not in error
    assert len(error) <= 400
