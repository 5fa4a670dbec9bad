"""The file of the recipes: from YAML to complete recipes, with one line for each mistake."""

from collections.abc import Hashable
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from ptq_comparison.common.errors import UserError
from ptq_comparison.config.recipes import (
    complete_recipes,
    expand_recipes,
    recipe_conflicts,
    type_errors,
)
from ptq_comparison.config.validation import config_errors

NO_RECIPES = "no recipes; give a mapping 'recipes' of names to options in YAML"


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Refuses a key that stands twice in a mapping: of two recipes the first would be lost."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[Hashable] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise UserError(
                        f"line {key.start_mark.line + 1}: {key.value!r} stands there once more; "
                        "rename or remove one of them"
                    )
                seen.add(key.value)
        return node


def read_recipes(
    text: str, schema: Draft202012Validator, config: dict[str, Any]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the complete recipes of a recipes file, by name, and one line for each mistake.

    `config` is complete: what a recipe does not name is taken from it. There are no recipes where
    there are mistakes.
    """
    try:
        content = parse_recipes(text)
        recipes = expand_recipes(content["recipes"])
    except UserError as error:
        return {}, [str(error)]
    errors = config_errors({**content, "recipes": recipes}, schema) or list(type_errors(recipes))
    if not errors:
        recipes = complete_recipes(recipes, config)
        errors = list(recipe_conflicts(recipes))
    return ({}, errors) if errors else (recipes, [])


def parse_recipes(text: str) -> dict[str, Any]:
    """Return the content of a recipes file, with the mapping `recipes` of names to mappings.

    Raises UserError for anything else, and for a key that stands twice in a mapping.
    """
    try:
        content = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise UserError(f"no YAML ({' '.join(str(error).split())}); correct it") from error
    recipes = content.get("recipes") if isinstance(content, dict) else None
    if not isinstance(recipes, dict):
        raise UserError(NO_RECIPES)
    for name, options in recipes.items():
        if not isinstance(name, str):
            raise UserError(f"recipes: the name {name!r} is no text; put it in quotes")
        if not isinstance(options, dict):
            raise UserError(
                f"recipes.{name}: has {options!r}; give a mapping of options, {{dtype: int8}} for "
                "instance"
            )
    return dict(content)
