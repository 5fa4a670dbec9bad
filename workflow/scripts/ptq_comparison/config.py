"""The configuration: one line for each mistake, before any job starts."""

import difflib
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError


def config_errors(config: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """Return one line for each mistake: the key, what was found, what is allowed."""
    errors = Draft202012Validator(schema).iter_errors(config)
    ordered = sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])
    return [line for error in ordered for line in _lines(error)]


def _lines(error: ValidationError) -> Iterator[str]:
    key = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in error.instance:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}? " if close else ""
                path = f"{key}.{name}" if key else name
                yield f"{path}: unknown key; {hint}allowed: {', '.join(known)}"
    elif error.validator == "enum":
        allowed = ", ".join(error.validator_value)
        yield f"{key}: {error.instance!r} is not allowed; allowed: {allowed}"
    elif error.validator == "type":
        wanted = error.validator_value
        allowed = wanted if isinstance(wanted, str) else " or ".join(wanted)
        yield f"{key}: {error.instance!r} is of the wrong type; allowed: {allowed}"
    else:  # minimum, uniqueItems, pattern, ...: jsonschema's own words name the value and the bound
        yield f"{key}: {error.message}"
