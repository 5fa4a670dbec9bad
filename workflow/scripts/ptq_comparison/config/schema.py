"""The schemas of configuration and recipes: JSON Schema in YAML, with names from tables of code."""

import copy
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from ptq_comparison.config.methods import METHODS
from ptq_comparison.config.schemes import DTYPES


def load_schema(path: Path, **tables: Iterable[str]) -> Draft202012Validator:
    """Return the validator of a schema.

    A `$ref` may lead to a schema beside it, as `config.schema.yaml#/properties/model`. `names_of`,
    a keyword of ours, adds the names in a table to `enum`: in one of `tables`, or in
    `calibration_methods` or `dtypes`, which are known here.
    """
    known: dict[str, Iterable[str]] = {"calibration_methods": METHODS, "dtypes": DTYPES, **tables}

    @cache  # otherwise the registry reads the file again for each $ref
    def read(name: str) -> Resource[Any]:
        content = yaml.safe_load((path.parent / name).read_text())
        _fill_in_names(content, known)
        return Resource.from_contents(content)

    registry: Registry[Any] = Registry(retrieve=read)  # type: ignore[call-arg]  # an alias of attrs
    return Draft202012Validator(read(path.name).contents, registry=registry)


def _fill_in_names(content: Any, tables: Mapping[str, Iterable[str]]) -> None:
    if isinstance(content, dict):
        if "names_of" in content:
            content["enum"] = [*content.get("enum", []), *tables[content.pop("names_of")]]
        for value in content.values():
            _fill_in_names(value, tables)
    elif isinstance(content, list):
        for value in content:
            _fill_in_names(value, tables)


def fill_in_defaults(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Add to a valid configuration what it does not name, section by section."""
    for key, subschema in schema.get("properties", {}).items():
        if "default" in subschema:
            config.setdefault(key, copy.deepcopy(subschema["default"]))
        if isinstance(config.get(key), dict):
            fill_in_defaults(config[key], subschema)
