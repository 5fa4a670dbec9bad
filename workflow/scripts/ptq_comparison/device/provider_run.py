"""The bundle for devices, measured on this machine with another execution provider."""

import logging
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json
from ptq_comparison.common.provider_names import ran_elsewhere
from ptq_comparison.device.provider_search import Found

FOLDER = "device_bundle"


def measure_provider(bundle: Path, found: Found, name: str, timed: bool = True) -> dict[str, Any]:
    """Return what measure.py of a bundle measures as the device `name` with a provider.

    `timed` says whether it measures times, too. What it prints goes to the output of this process.
    Raises UserError where it fails, or where no model runs with the provider.
    """
    with tempfile.TemporaryDirectory() as scratch:
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(scratch)
        program = Path(scratch) / FOLDER / "measure.py"
        command = [found["python"], str(program)]
        command += ["--provider", found["provider"], "--name", name]
        command += [] if timed else ["--no-times"]
        logging.info("%s", " ".join(command))
        code, lines = _run(command, scratch)
        if code:
            errors = [line for line in lines if line.startswith("error: ")]
            last = (errors or lines or ["it printed nothing"])[-1]
            raise UserError(
                f"latency.providers: {found['provider']}: measure.py ended with exit code {code} "
                f"({last}); correct that, or take the entry out"
            )
        device: dict[str, Any] = read_json(Path(scratch) / f"device_{name}.json")
    failed = [model["failed"] for model in device["models"]]
    if all(failed):
        raise UserError(
            f"latency.providers: {found['provider']}: no model runs ({failed[0]}); take the entry "
            "out, or correct that"
        )
    return device


def _run(command: list[str], folder: str) -> tuple[int, list[str]]:
    """Run a program; return its exit code, and the lines that it printed, here as they came."""
    lines = []
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="")
            lines.append(line.strip())
    return process.returncode, [line for line in lines if line]


def describe_run(device: dict[str, Any]) -> str:
    """Return a line for each model: its speed, and nodes that other providers ran."""
    lines = []
    for model in device["models"]:
        if model["failed"]:
            text = model["failed"]
        else:
            speed = (model["latency"] or {}).get("speedup")
            text = f"{model['agreement']:.2%} as float32" if model["agreement"] is not None else ""
            text += f", {speed:.2f} times as fast" if speed is not None else ""
            fallback = ran_elsewhere(model["executed_by"], device["settings"]["provider"])
            text += f"; {fallback}" if fallback else ""
        lines.append(f"{device['name']}: {model['name']}: {text}")
    return "\n".join(lines)
