"""The configuration: one line for each mistake, before any job starts."""

import contextlib
import difflib
import itertools
import math
from collections.abc import Iterator
from typing import Any

import yaml
from jsonschema import ValidationError
from jsonschema.protocols import Validator

from ptq_comparison.common.address import ADDRESS_KEYS, file_of_address, is_address
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.provider_names import short_name
from ptq_comparison.common.texts import LINE, cut, named, shown
from ptq_comparison.config.dataset_conflicts import dataset_conflicts
from ptq_comparison.config.methods import leaves_no_choice
from ptq_comparison.config.recipes import NEEDS_FOLDING

MISTAKES = 20  # that are told at once
UNITS = {"maxItems": "entries", "maxProperties": "entries", "maxLength": "letters"}


def config_errors(config: dict[str, Any], schema: Validator) -> list[str]:
    """Return one line for each mistake: the key, what was found, what is allowed.

    Of more than `MISTAKES`, the others are told when these are corrected.
    """
    errors = itertools.islice(schema.iter_errors(config), MISTAKES)
    ordered = sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])
    lines = itertools.chain.from_iterable(map(_lines, ordered))
    return [cut(line, LINE) for line in itertools.islice(lines, MISTAKES)]


def config_conflicts(config: dict[str, Any]) -> Iterator[str]:
    """Yield one line for each pair of keys that do not go together; `config` has its defaults."""
    yield from dataset_conflicts(config["dataset"])
    calibration, quantization = config["calibration"], config["quantization"]
    bins, quantized_bins = calibration["num_bins"], calibration["num_quantized_bins"]
    if leaves_no_choice(calibration):
        yield (
            f"calibration.num_bins: {bins} with num_quantized_bins {quantized_bins} leaves Entropy "
            f"nothing to choose from, so that it equals MinMax; use at least {2 * quantized_bins}"
        )
    for section, key in ADDRESS_KEYS.items():
        if is_address(config[section][key]):
            try:
                file_of_address(config[section][key], f"{section}.{key}")
            except UserError as error:
                yield str(error)
    yield from _equal_providers(config["latency"]["providers"])
    if config["acceptance"]["min_speedup"] is not None and not config["latency"]["measure"]:
        yield (
            "acceptance.min_speedup: speed is not measured; set latency.measure to true, or this "
            "to null"
        )
    if quantization["equalization"] != "none" and not quantization["preprocess"]:
        yield f"quantization.equalization: {NEEDS_FOLDING}"
    for name, options in quantization["extra_dtypes"].items():
        key = f"quantization.extra_dtypes.{name}"
        if options.get("format", quantization["format"]) == "QOperator":
            if options["activation_type"].endswith("16"):
                yield f"{key}: QOperator has no 16-bit activations; use the format QDQ"
            elif options.get("tensor_types"):
                yield f"{key}: QOperator has no tensor_types; use the format QDQ"


def _equal_providers(providers: list[str]) -> Iterator[str]:
    names: dict[str, str] = {}
    for provider in providers:
        first = names.setdefault(short_name(provider), provider)
        if first != provider:
            yield f"latency.providers: {first} and {provider} are the same one; remove one of them"


def _lines(error: ValidationError) -> Iterator[str]:
    key = ".".join(map(named, error.absolute_path))
    refused = error.schema.get("refused", {})  # ours: value or key, and the reason
    value, allowed = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in value:
            path = f"{key}.{named(name)}" if key else named(name)
            if not isinstance(name, str):
                yield f"{path}: the key is no text; put it in quotes"
            elif name in refused:
                yield f"{path}: refused: {refused[name]}"
            elif name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}? " if close else ""
                yield f"{path}: unknown key; {hint}allowed: {', '.join(known)}"
    elif error.validator == "enum":
        names = ", ".join("null" if name is None else name for name in allowed)
        if isinstance(value, str) and value in refused:
            yield f"{key}: {value} is refused: {refused[value]}; use {names}"
        else:
            yield f"{key}: {shown(value)} is not allowed; allowed: {names}"
    elif error.validator == "type":
        kinds = [allowed] if isinstance(allowed, str) else allowed
        yield f"{key}: {shown(value)} {_wrong_type(value, kinds)}"
    elif error.validator == "not":  # a name that stands for something else
        yield f"{key}: {shown(value)} is taken; choose another name"
    elif error.validator in UNITS:
        yield (
            f"{key}: {shown(value)} has {len(value):,} {UNITS[error.validator]}; at most "
            f"{allowed:,} are allowed"
        )
    else:  # minimum, pattern, ...: jsonschema's own words name the value and the bound
        yield f"{key}: {error.message.replace(repr(value), shown(value), 1)}"


def _wrong_type(value: Any, kinds: list[str]) -> str:
    """Say what is wrong with a value that is of none of the kinds, names of JSON Schema's types."""
    allowed = f"allowed: {' or '.join(kinds)}"
    if isinstance(value, str) and "string" in kinds:
        return "has a line break or a character that cannot be printed; remove it"
    if (type(value) is float and "number" in kinds) or (
        type(value) is int and {"integer", "number"}.intersection(kinds)
    ):
        return f"is not a finite number of 64 bits; {allowed}"
    number = _as_number(value, kinds) if isinstance(value, str) else None
    # YAML takes 1e5, without point and sign, for a text.
    hint = f"; write {number} in a file, where --config gives texts" if number else ""
    return f"is of the wrong type; {allowed}{hint}"


def _as_number(text: str, kinds: list[str]) -> str | None:
    """Return how YAML writes the number that a text stands for, if it is one of the kinds."""
    for kind, read in (("integer", int), ("number", float)):
        if kind in kinds:
            with contextlib.suppress(ValueError, OverflowError):
                if math.isfinite(number := read(text)):
                    return str(yaml.safe_dump(number)).split()[0]
    return None
