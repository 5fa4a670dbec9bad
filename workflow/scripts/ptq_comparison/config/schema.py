"""The schemas of configuration and recipes: JSON Schema in YAML, with names from tables of code."""

import copy
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry, Resource

from ptq_comparison.common.texts import shown
from ptq_comparison.config.methods import METHODS
from ptq_comparison.config.schemes import DTYPES, REFERENCES

# Written in C, where PyYAML has it: the schemas are read at every start, and they are our own.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Control characters, line breaks and halves of characters: no name of a file or a node has them.
NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _is_text(_: Any, value: Any) -> bool:
    return isinstance(value, str) and not NO_TEXT.search(value)


def _is_integer(_: Any, value: Any) -> bool:
    """Tell whether it is an integer of 64 bits; 42.0 is none: NumPy refuses it as a seed."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_number(_: Any, value: Any) -> bool:
    """Tell whether it is a finite float64. NaN would pass every bound: it is not below any."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max


def _check_unique(
    _: Any, wanted: bool, values: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Name an item that stands twice; jsonschema's own check is quadratic in the length."""
    seen = set()
    for value in values if wanted and isinstance(values, list) else ():
        text = json.dumps(value, default=str)
        if text in seen:
            yield ValidationError(f"{shown(value)} stands there twice; remove one of them")
            return
        seen.add(text)


_Validator = extend(
    Draft202012Validator,
    {"uniqueItems": _check_unique},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"string": _is_text, "integer": _is_integer, "number": _is_number}
    ),
)


def load_schema(path: Path, **tables: Iterable[str]) -> Validator:
    """Return the validator of a schema. Its numbers are finite, its texts of one line.

    A `$ref` may lead to a schema beside it, as `config.schema.yaml#/properties/model`. `names_of`,
    a keyword of ours, adds the names in a table to `enum`: in one of `tables`, or in
    `calibration_methods`, `dtypes` or `references`, which are known here.
    """
    known: dict[str, Iterable[str]] = {
        "calibration_methods": METHODS,
        "dtypes": DTYPES,
        "references": REFERENCES,
        **tables,
    }

    @cache  # otherwise the registry reads the file again for each $ref
    def read(name: str) -> Resource[Any]:
        content = yaml.load((path.parent / name).read_text(), LOADER)
        _fill_in_names(content, known)
        return Resource.from_contents(content)

    registry: Registry[Any] = Registry(retrieve=read)  # type: ignore[call-arg]  # an alias of attrs
    contents = read(path.name).contents
    # Retrieved at a $ref, a schema is kept for that one alone: all of both is searched at the next.
    for name in sorted(set(_schemas_beside(contents))):
        registry = registry.with_resource(name, read(name))
    return _Validator(contents, registry=registry)


def _schemas_beside(content: Any) -> Iterator[str]:
    """Yield the files that a `$ref` leads to."""
    if isinstance(content, dict):
        name = content.get("$ref", "").partition("#")[0]
        if name:
            yield name
        content = list(content.values())
    for value in content if isinstance(content, list) else ():
        yield from _schemas_beside(value)


def validator_of(schema: Mapping[str, Any]) -> Validator:
    """Return the validator of a schema that refers to no other file, as `load_schema` does."""
    return _Validator(schema)


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
