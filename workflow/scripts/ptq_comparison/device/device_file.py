"""A file device_<name>.json as it stands: whole JSON of the known version, with its own name."""

import json
import re
from pathlib import Path
from typing import Any, NoReturn, cast

from jsonschema.protocols import Validator

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import check_is_file
from ptq_comparison.common.texts import PATH, cut, named, shown
from ptq_comparison.config.validation import config_errors
from ptq_comparison.device.record import DEVICE_FORMAT, DEVICE_VERSION
from ptq_comparison.device.results import Device

MOST_BYTES = 100_000_000  # a hundred models on 50,000 images are half of it
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
FILE_NAME = re.compile(r"device_(.+)\.json", re.DOTALL)
AGAIN = "copy it from the device again, or measure there again"


def name_of_device(path: Path) -> str:
    """Return the name that a file is of, from its own; UserError where it cannot be one."""
    found = FILE_NAME.fullmatch(path.name)
    if not found:
        raise UserError(
            f"{named(path, PATH)}: is no device_<name>.json; name the file as measure.py did"
        )
    if not NAME.fullmatch(found[1]):
        raise UserError(
            f"{named(path, PATH)}: {shown(found[1])} is no name of a device: use at most 60 of the "
            "letters A to Z, a to z, digits, _ . and -, beginning with a letter or digit; name the "
            "file as measure.py did"
        )
    return found[1]


def read_device_file(path: Path, schema: Validator) -> Device:
    """Read a file of measure.py, without a look at what its figures say.

    `schema` is that of device.schema.yaml. Raises UserError for a file that is not whole, of
    another kind or version, that the schema refuses, or that was renamed.
    """
    name = name_of_device(path)
    content = _parse(path)
    kind = content.get("format") if isinstance(content, dict) else None
    if kind != DEVICE_FORMAT:
        raise UserError(
            f"{path}: is no file of measure.py (format: {shown(kind)}); take it out of devices, or "
            "out of its folder"
        )
    version = content.get("version")
    if type(version) is int and version > DEVICE_VERSION:
        raise UserError(
            f"{path}: was made by a newer measure.py (version {cut(str(version))}, known here: "
            f"{DEVICE_VERSION}); update this workflow, or measure with the bundle of this one"
        )
    errors = config_errors(content, schema)
    if errors:
        more = f" ({len(errors)} mistakes in all)" if len(errors) > 1 else ""
        raise UserError(f"{path}: {errors[0]}{more}: not as measure.py writes it; {AGAIN}")
    if content["name"] != name:
        raise UserError(
            f"{path}: is of the device {content['name']}, not of {name}; name the file "
            f"device_{content['name']}.json"
        )
    return cast(Device, content)


def _parse(path: Path) -> Any:
    size = check_is_file(path)
    if size > MOST_BYTES:
        raise UserError(
            f"{path}: has {size:,} bytes, more than the {MOST_BYTES:,} that a file of measure.py "
            f"may have; {AGAIN}"
        )
    try:
        return json.loads(
            path.read_bytes().decode("utf-8-sig"),
            parse_constant=_refuse_number,
            object_pairs_hook=_without_twins,
        )
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {AGAIN}") from error
    except json.JSONDecodeError as error:
        what = "is empty" if not size else f"is no whole JSON ({error.msg} in line {error.lineno})"
        raise UserError(f"{path}: {what}; {AGAIN}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is no text in UTF-8; {AGAIN}") from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, 100,000 brackets
        reason = "too deeply nested" if isinstance(error, RecursionError) else cut(str(error), 100)
        raise UserError(f"{path}: is no JSON of measure.py ({reason}); {AGAIN}") from error


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {shown(twin)} stands there twice")
    return content
