"""The file of the recipes: from YAML to complete recipes, with one line for each mistake."""

from pathlib import Path
from typing import Any

from jsonschema.protocols import Validator

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import named, shown
from ptq_comparison.config.recipe_lists import expand_recipes
from ptq_comparison.config.recipes import (
    complete_recipes,
    recipe_conflicts,
    type_errors,
)
from ptq_comparison.config.validation import config_errors
from ptq_comparison.config.yaml_file import read_yaml

NO_RECIPES = "no recipes; give a mapping 'recipes' of names to options"


def read_recipes(
    path: Path, schema: Validator, config: dict[str, Any]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the complete recipes of a recipes file, by name, and one line for each mistake.

    `config` is complete: what a recipe does not name is taken from it. There are no recipes where
    there are mistakes.
    """
    try:
        content = check_recipes(read_yaml(path))
        recipes = expand_recipes(content["recipes"])
    except UserError as error:
        return {}, [str(error)]
    errors = config_errors({**content, "recipes": recipes}, schema) or list(type_errors(recipes))
    if not errors:
        recipes = complete_recipes(recipes, config)
        errors = list(recipe_conflicts(recipes))
    return ({}, errors) if errors else (recipes, [])


def check_recipes(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a recipes file, if it has the mapping `recipes` of names to mappings.

    Raises UserError for anything else.
    """
    recipes = content.get("recipes")
    if not isinstance(recipes, dict):
        raise UserError(NO_RECIPES)
    for name, options in recipes.items():
        if not isinstance(options, dict):
            raise UserError(
                f"recipes.{named(name)}: has {shown(options)}; give a mapping of options, "
                "{dtype: int8} for instance"
            )
    return content
