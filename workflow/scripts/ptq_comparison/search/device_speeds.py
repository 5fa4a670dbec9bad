"""The speeds of another device in place of this machine's, for the choice of a recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd
from jsonschema.protocols import Validator

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import sha256_file
from ptq_comparison.common.not_made import read_not_made
from ptq_comparison.config.schema import validator_of
from ptq_comparison.device.consistency import check_consistent
from ptq_comparison.device.recipe_device import MAKE_AGAIN, read_recipe_device
from ptq_comparison.device.results import Device, row_of
from ptq_comparison.search.selection import Constraints

COLUMNS = ("images_per_second", "speedup", "speedup_ci95_low", "speedup_ci95_high")


class SpeedDevice(TypedDict):
    """Where speeds were measured; `measured` counts the recipes that have one."""

    name: str
    cpu: str
    threads: int
    batch_size: int
    measured: int


def device_speeds(task: Any, table: pd.DataFrame) -> tuple[pd.DataFrame, SpeedDevice]:
    """Return what `with_device_speeds` does of the files of a job that chooses among recipes."""
    device = read_speed_device(task.input.device, validator_of(task.params.schema), task.input.fp32)
    models = dict(zip(task.params.recipes, task.input.models, strict=True))
    return with_device_speeds(table, device, model_sums(models))


def read_speed_device(path: Path, schema: Validator, fp32: Path) -> Device:
    """Read the device whose speeds count; its float32 model has to be that of this run, `fp32`.

    Raises UserError where it is not, and for a file that cannot be used.
    """
    device = read_recipe_device(path, schema)
    check_consistent(device, path)
    own = row_of(device, "fp32")
    if own is None or own["sha256"] != sha256_file(fp32):
        raise UserError(f"{path}: its float32 model is not that of this run; {MAKE_AGAIN}")
    return device


def model_sums(paths: Mapping[str, Path]) -> dict[str, str]:
    """Return the SHA-256 of the models of recipes by name, without what could not be made."""
    return {name: sha256_file(path) for name, path in paths.items() if not read_not_made(path)}


def with_device_speeds(
    table: pd.DataFrame, device: Device, sums: Mapping[str, str]
) -> tuple[pd.DataFrame, SpeedDevice]:
    """Return the table of a sweep with the speeds of a device, and where they come from.

    A recipe has the speed of the model with its SHA-256, whatever name that has; without one, it
    has none. `table` holds the recipes that could be made, `sums` are theirs. Raises UserError
    where none has a speed.
    """
    timed = {
        row["sha256"]: row["latency"]
        for row in device["models"]
        if row["latency"] and row["latency"]["speedup"] is not None
    }
    latencies = [timed.get(sums[name]) for name in table["recipe"]]
    known = [latency for latency in latencies if latency]
    if not known:
        raise UserError(
            f"recommend.device: none of the models that {device['name']} has timed is that of a "
            f"recipe of this run; {MAKE_AGAIN}"
        )
    values = [
        (each["images_per_second"], each["speedup"], *(each["speedup_ci95"] or ()))
        if each
        else (None,) * len(COLUMNS)
        for each in latencies
    ]
    speeds = pd.DataFrame(values, index=table.index, columns=list(COLUMNS), dtype="float64")
    return table.assign(**{name: speeds[name] for name in COLUMNS}), {
        "name": device["name"],
        "cpu": device["machine"]["cpu"],
        "threads": known[0]["threads"],
        "batch_size": known[0]["batch_size"],
        "measured": len(known),
    }


def describe_speed_device(device: SpeedDevice, recipes: int, constraints: Constraints) -> str:
    """Return on which device speeds were measured, of how many of the `recipes`, in a sentence."""
    threads = "1 thread" if device["threads"] == 1 else f"{device['threads']} threads"
    text = (
        f"Speeds are those of {device['name']} ({device['cpu']}; {threads}, batch "
        f"{device['batch_size']}), measured there, not those of this machine"
    )
    missing = recipes - device["measured"]
    if missing:
        text += f"; {missing} of {recipes} recipes were not measured there and have none"
        if constraints["min_speedup"] is not None:
            text += ", which min_speedup leaves out"
    return f"{text}."
