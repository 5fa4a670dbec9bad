"""The device whose speeds choose a recipe; without NumPy, as it is read before a run starts."""

from pathlib import Path

from jsonschema.protocols import Validator

from ptq_comparison.common.errors import UserError
from ptq_comparison.device.device_file import read_device_file
from ptq_comparison.device.results import Device

RECIPE = "recipes/"  # begins the names of recipes in a bundle
MAKE_AGAIN = "make the bundle again with device.recipes: pareto, and measure it on the device"


def read_recipe_device(path: Path, schema: Validator) -> Device:
    """Read a device that has timed recipes. `schema` is that of device.schema.yaml.

    Raises UserError for a file that `read_device_file` refuses, for an emulated CPU, and where no
    recipe has a speed.
    """
    device = read_device_file(path, schema)
    if device["emulated"] is not None:
        raise UserError(
            f"{path}: {device['name']} is emulated ({device['emulated']}), and has no times; name "
            "a real device, or null for this machine"
        )
    recipes = [row for row in device["models"] if row["name"].startswith(RECIPE)]
    if not recipes:
        raise UserError(f"{path}: has no recipes; {MAKE_AGAIN}")
    if not any(row["latency"] and row["latency"]["speedup"] for row in recipes):
        raise UserError(
            f"{path}: no recipe has a speed against float32 there; measure the bundle on the "
            "device again, with float32 and with times"
        )
    return device
