"""The configuration: one line for each mistake, before any job starts."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from ptq_comparison.config.methods import leaves_no_choice

# Keys that name a file or folder.
PATHS = (("dataset", "path"), ("model", "source"), ("sweep", "recipes"))
SURROGATE = re.compile("[\ud800-\udfff]")  # in place of a byte that is not UTF-8


def config_errors(config: dict[str, Any], schema: Draft202012Validator) -> list[str]:
    """Return one line for each mistake: the key, what was found, what is allowed."""
    errors = schema.iter_errors(config)
    ordered = sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])
    return [line for error in ordered for line in _lines(error)]


def config_conflicts(config: dict[str, Any]) -> Iterator[str]:
    """Yield one line for each pair of keys that do not go together; `config` has its defaults."""
    calibration, quantization = config["calibration"], config["quantization"]
    bins, quantized_bins = calibration["num_bins"], calibration["num_quantized_bins"]
    if leaves_no_choice(calibration):
        yield (
            f"calibration.num_bins: {bins} with num_quantized_bins {quantized_bins} leaves Entropy "
            f"nothing to choose from, so that it equals MinMax; use at least {2 * quantized_bins}"
        )
    if quantization["format"] == "QOperator":
        for name, options in quantization["extra_dtypes"].items():
            if options["activation_type"].endswith("16"):
                yield (
                    f"quantization.extra_dtypes.{name}: QOperator has no 16-bit activations; "
                    "use the format QDQ"
                )
    for section, key in PATHS:
        path = config[section][key] or ""
        if SURROGATE.search(path):
            yield (
                f"{section}.{key}: {path!a}: Snakemake takes only names that are UTF-8; "
                "rename the file or folder, or link it under another name"
            )


def _lines(error: ValidationError) -> Iterator[str]:
    key = ".".join(str(part) for part in error.absolute_path)
    refused = error.schema.get("refused", {})  # ours: value or key, and the reason
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in error.instance:
            path = f"{key}.{name}" if key else name
            if name in refused:
                yield f"{path}: refused: {refused[name]}"
            elif name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}? " if close else ""
                yield f"{path}: unknown key; {hint}allowed: {', '.join(known)}"
    elif error.validator == "enum":
        allowed = ", ".join(error.validator_value)
        if isinstance(error.instance, str) and error.instance in refused:
            yield f"{key}: {error.instance} is refused: {refused[error.instance]}; use {allowed}"
        else:
            yield f"{key}: {error.instance!r} is not allowed; allowed: {allowed}"
    elif error.validator == "type":
        wanted = error.validator_value
        allowed = wanted if isinstance(wanted, str) else " or ".join(wanted)
        yield f"{key}: {error.instance!r} is of the wrong type; allowed: {allowed}"
    elif error.validator == "not":  # a name that stands for something else
        yield f"{key}: {error.instance!r} is taken; choose another name"
    else:  # minimum, uniqueItems, pattern, ...: jsonschema's own words name the value and the bound
        yield f"{key}: {error.message}"
