"""Recipes: named ways to quantize, of which the best is looked for."""

import difflib
import json
from collections.abc import Collection, Iterator
from typing import Any

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import shown
from ptq_comparison.config.methods import METHODS, leaves_no_choice, method_options
from ptq_comparison.config.schemes import DTYPES, has_16_bits

AUTO = "auto"  # the recipe that `mix_precision` makes
# What a recipe may ask for beyond the configuration, and what it asks for by default.
REFINEMENTS = {"weight_ranges": "MinMax", "rounding": "nearest", "bias_correction": False}
TYPES = ("activation_type", "weight_type", "tensor_types")
# What is done to the float32 model before; ranges belong to the model that comes of it.
GRAPH = ("preprocess", "equalization")
METHOD_OPTIONS = {option for method in METHODS.values() for option in method.options}
# What a recipe takes from the section `calibration`.
CALIBRATION_KEYS = ("method", "samples_per_class", *sorted(METHOD_OPTIONS))
# Two recipes that differ in these alone give graphs that differ in numbers alone.
NUMBERS = {
    *METHOD_OPTIONS,
    *REFINEMENTS,
    "equalization",
    "method",
    "reduce_range",
    "samples_per_class",
}
NEEDS_FOLDING = (
    "needs layers without batch normalization between them; set preprocess to true, or this to none"
)
# Keys of the section `quantization` that name models; the others say how one is made.
MODELS = ("dtypes", "extra_dtypes")


def configured_recipes(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the section `quantization` of the config as complete recipes, by the model's name.

    A configured dtype is a recipe without refinements, unless an extra dtype asks for some.
    """
    quantization = config["quantization"]
    dtypes = {name: {"dtype": name} for name in quantization["dtypes"]}
    return complete_recipes({**dtypes, **quantization["extra_dtypes"]}, config)


def complete_recipes(
    recipes: dict[str, dict[str, Any]], config: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return expanded recipes with all keys; what a recipe does not name is taken from `config`.

    Of the options of calibration methods only those are kept that its own one looks at, and images
    are at most those that are calibrated on anyway.
    """
    most = config["calibration"]["samples_per_class"]
    defaults = {
        **{key: value for key, value in config["quantization"].items() if key not in MODELS},
        **{key: config["calibration"][key] for key in CALIBRATION_KEYS},
        **REFINEMENTS,
        "tensor_types": {},
        "input_type": config["model"]["input_type"],
    }
    return {name: _complete({**defaults, **recipe}, most) for name, recipe in recipes.items()}


def _complete(recipe: dict[str, Any], most: int | None) -> dict[str, Any]:
    limits = [limit for limit in (recipe["samples_per_class"], most) if limit is not None]
    recipe["samples_per_class"] = min(limits, default=None)  # None: all that there are
    if "dtype" in recipe:
        recipe["activation_type"], recipe["weight_type"] = DTYPES[recipe.pop("dtype")]
    if recipe["per_channel"] is None:  # onnxruntime stores such weights as signed, then
        is_refused = recipe["format"] == "QOperator" and recipe["weight_type"].startswith("QUInt")
        recipe["per_channel"] = not is_refused
    ignored = METHOD_OPTIONS.difference(METHODS[recipe["method"]].options)
    return {key: recipe[key] for key in sorted(recipe) if key not in ignored}


def type_errors(recipes: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield one line for each expanded recipe that does not say once what its types are."""
    for name, recipe in recipes.items():
        given = [key for key in ("dtype", *TYPES[:2]) if key in recipe]
        if given not in (["dtype"], [*TYPES[:2]]):
            yield (
                f"recipes.{name}: has {', '.join(given) or 'no types'}; give dtype, or "
                "activation_type and weight_type"
            )


def recipe_conflicts(recipes: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield one line for each pair of keys that do not go together; `recipes` are complete."""
    for given, recipe in recipes.items():
        name = f"recipes.{given}"
        if leaves_no_choice(recipe):
            yield (
                f"{name}.num_bins: {recipe['num_bins']} leaves Entropy nothing to choose from; "
                f"use at least {2 * recipe['num_quantized_bins']}"
            )
        if recipe["equalization"] != "none" and not recipe["preprocess"]:
            yield f"{name}.equalization: {NEEDS_FOLDING}"
        if recipe["format"] == "QOperator" and (recipe["tensor_types"] or has_16_bits(recipe)):
            yield f"{name}.format: QOperator has one type of 8 bits for all tensors; use QDQ"


def quantization_options(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return what `quantization.quantize` is asked for, from an expanded recipe.

    Its `float_nodes` are left out: `with_float_nodes` has put their names among the others.
    """
    unasked = {*REFINEMENTS, *METHOD_OPTIONS, *GRAPH, "float_nodes", "method", "samples_per_class"}
    return {key: recipe[key] for key in recipe if key not in unasked}


def calibration_options(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return what the ranges of a recipe depend on, beside the float32 model and the images."""
    return {
        **{key: recipe[key] for key in GRAPH},
        "method": recipe["method"],
        "options": {
            **method_options(recipe),
            "samples_per_class": recipe["samples_per_class"],
        },
    }


def calibration_name(recipe: dict[str, Any]) -> str:
    """Return a name for the ranges of a recipe, that of all recipes that can share them."""
    calibration = calibration_options(recipe)
    options = calibration["options"].values()
    numbers = ["all" if value is None else str(value) for value in options]
    graph = "folded" if recipe["preprocess"] else "given"
    if recipe["equalization"] != "none":
        graph = recipe["equalization"]
    return "-".join([calibration["method"], *numbers, graph])


def equal_recipes(recipes: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return for each complete recipe the first one that asks for the same, itself mostly."""
    first: dict[str, str] = {}
    return {name: first.setdefault(json.dumps(recipe), name) for name, recipe in recipes.items()}


def same_graphs(recipes: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return for each recipe the first one whose model differs from its own in numbers alone.

    The two are equally fast, and one measurement serves both: otherwise noise would decide which
    of them is the faster one.
    """
    return equal_recipes(
        {
            name: {key: recipe[key] for key in recipe if key not in NUMBERS}
            for name, recipe in recipes.items()
        }
    )


def check_mixed(asked: str | None, recipes: Collection[str]) -> None:
    """Raise UserError where `sensitivity.recipe` names none of the recipes; null is none."""
    if asked is None or asked in recipes:
        return
    matches = [name for name in recipes if name.startswith(asked)][:3]
    matches = matches or difflib.get_close_matches(asked, recipes) or list(recipes)[:3]
    raise UserError(
        f"sensitivity.recipe: there is no recipe {shown(asked)}; there is for example "
        f"{', '.join(map(shown, matches))}; null stands for the best one"
    )
