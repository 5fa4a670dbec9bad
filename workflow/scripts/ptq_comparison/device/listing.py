"""The files that devices have brought back, by the name of the device."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import PATH, named
from ptq_comparison.device.device_file import name_of_device

# Brought by the user, of an emulated CPU, of another execution provider on this machine.
FOLDERS = ("devices", "emulated", "providers")
PATTERN = re.compile(r"[{}<>]")  # what Snakemake does not take literally


def list_devices(configured: Sequence[str], results: str | None) -> dict[str, str]:
    """Return the paths of files of devices by name: those of the config, then those in `results`.

    `results` is a folder, or None where no file is to be looked for. Raises UserError for a file
    that is not there, one whose name tells no device, and two files of one device.
    """
    found: dict[str, str] = {}
    for path in [*configured, *(_in_results(results) if results else [])]:
        if PATTERN.search(path):
            raise UserError(
                f"devices: {named(path, PATH)}: Snakemake cannot read a path with one of "
                "{ } < >; rename it"
            )
        if not os.path.isfile(path):
            raise UserError(
                f"devices: {named(path, PATH)}: no such file; correct the path, or remove it"
            )
        name = name_of_device(Path(path))
        other = found.setdefault(name, path)
        if not os.path.samefile(other, path):
            raise UserError(
                f"devices: {named(other, PATH)} and {named(path, PATH)} are both of {name}; remove "
                "one of them, or measure one again with another --name"
            )
    return found


def _in_results(results: str) -> list[str]:
    return [
        os.path.join(results, folder, path.name)
        for folder in FOLDERS
        for path in sorted(Path(results, folder).glob("device_*.json"))
    ]
