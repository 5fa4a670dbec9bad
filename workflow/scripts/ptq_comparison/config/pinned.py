"""The configuration that makes the model of one recipe again."""

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from ptq_comparison.common.address import ADDRESS_KEYS, is_address, masked
from ptq_comparison.config.recipes import (
    GRAPH,
    METHOD_OPTIONS,
    REFINEMENTS,
    configured_recipes,
)
from ptq_comparison.config.schemes import DTYPES, REFERENCES, required_opset

# What a model depends on. The rest of the configuration says how models are measured and compared.
SECTIONS = ("dataset", "model", "calibration", "quantization")
# All models of a run share these, so that they stand beside the models, not in an extra dtype.
SHARED = {"method", "samples_per_class", *GRAPH, *METHOD_OPTIONS}
# Names of models, as the schema has them.
TAKEN = {"fp32", "bundled", "converted", "preprocessed", "recommended", *DTYPES, *REFERENCES}


class Pinned(NamedTuple):
    """Sections of the configuration with which `all` makes the model `name`.

    `notes` say in what it is another file than that of the recipe: none where it is the same one.
    `left_out` are keys that a configuration of one's own has to give, addresses with a password.
    """

    name: str
    sections: dict[str, dict[str, Any]]
    notes: list[str]
    left_out: list[str]


def without_secrets(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the sections that a model depends on, without addresses that may hold a password."""
    sections = {section: copy.deepcopy(config[section]) for section in SECTIONS}
    for section, key in ADDRESS_KEYS.items():
        value = sections[section][key]
        if is_address(value) and masked(value) != value:
            del sections[section][key]
    return sections


def pin_recipe(
    name: str,
    recipe: Mapping[str, Any],
    config: Mapping[str, Any],
    defaults: Mapping[str, Any],
    is_converted: bool = False,
) -> Pinned:
    """Return the sections of the configuration that make the model of a recipe in a run of `all`.

    `recipe` is complete, `config` is that of the run `without_secrets`, `defaults` that of the
    schema. The recipe becomes an extra dtype beside the models of `config`, which may have decided
    on the opset of the float32 model; `is_converted` tells whether that was converted. Sections
    hold what is not the default.
    """
    pinned = {section: copy.deepcopy(config[section]) for section in SECTIONS}
    quantization = pinned["quantization"]
    own = {key: value for key, value in recipe.items() if key not in SHARED}
    quantization |= {key: recipe[key] for key in GRAPH}
    pinned["calibration"] |= {
        key: recipe[key] for key in recipe if key == "method" or key in METHOD_OPTIONS
    }
    made_as = name
    if name in DTYPES and _is_plain(own, name):
        quantization |= {key: own[key] for key in quantization if key in own}
        pinned["model"]["input_type"] = own["input_type"]
        quantization["dtypes"] = [name]
    else:
        made_as = f"{name}_pinned" if name in TAKEN else name
        quantization["extra_dtypes"][made_as] = own
    models, before = configured_recipes(pinned), configured_recipes(dict(config))
    notes = []
    if made_as != name:
        notes.append(f"it is called {made_as}, since {name} is the name of another model there")
    if models[made_as] != recipe:
        notes.append(
            "its ranges are of all calibration images, since only a recipe takes "
            f"{recipe['samples_per_class']} of each class from them"
        )
    if is_converted and required_opset(models.values()) != required_opset(before.values()):
        notes.append("the float32 model is converted to another opset there")
    if not all(node.isprintable() for node in recipe["nodes_to_exclude"]):
        notes.append("a run stops at the name of a node with a character that cannot be printed")
    left_out = [f"{name}.{key}" for name, key in ADDRESS_KEYS.items() if key not in pinned[name]]
    sections = {
        section: _to_be_said(section, pinned[section], defaults[section]) for section in SECTIONS
    }
    return Pinned(
        made_as, {key: value for key, value in sections.items() if value}, notes, left_out
    )


def _is_plain(own: Mapping[str, Any], dtype: str) -> bool:
    """Tell whether the options of a recipe are those of a dtype and of the section around it."""
    types = own["activation_type"], own["weight_type"]
    return (
        types == DTYPES[dtype]
        and not own["tensor_types"]
        and all(own[key] == value for key, value in REFINEMENTS.items())
    )


def _to_be_said(
    section: str, values: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is not the default, and all that a configuration below may say otherwise."""
    said = {"calibration": ("method", "samples", "seed"), "quantization": ("dtypes", "preprocess")}
    return {
        key: value
        for key, value in values.items()
        if value != defaults[key] or key in said.get(section, ())
    }
