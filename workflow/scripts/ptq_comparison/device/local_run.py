"""The script of a bundle, run on this machine."""

import logging
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json
from ptq_comparison.common.provider_names import ran_elsewhere
from ptq_comparison.common.supervisor import end_with_parent


def run_bundle(
    bundle: Path,
    python: Sequence[str],
    name: str,
    options: Sequence[str],
    told: str,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Unpack a bundle, run its measure.py as the device `name`, and return what it measures.

    `python` is the start of a command that runs Python, and `told` begins messages. What the script
    prints goes to the output of this process. Raises UserError where it fails, with its last line,
    or where no model runs.
    """
    with tempfile.TemporaryDirectory() as scratch:
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(scratch)
        (script,) = Path(scratch).glob("*/measure.py")
        command = [*python, str(script), "--name", name, *options]
        logging.info("%s", " ".join(command))
        code, lines = _run(command, scratch, environment)
        written = Path(scratch) / f"device_{name}.json"
        if code or not written.is_file():
            errors = [line for line in lines if line.startswith("error: ")]
            last = (errors or lines or ["it printed nothing"])[-1]
            how = f"died of signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise UserError(f"{told}: measure.py {how} ({last}); the log has all that it printed")
        record: dict[str, Any] = read_json(written)
    failed = [row["failed"] for row in record["models"]]
    if all(failed):
        raise UserError(f"{told}: no model of the bundle runs; the first one: {failed[0]}")
    return record


def _run(
    command: Sequence[str], folder: str, environment: Mapping[str, str] | None
) -> tuple[int, list[str]]:
    """Run a program; return its exit code, and the lines that it printed, here as they came."""
    lines = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=end_with_parent,
    ) as process:
        for line in process.stdout or ():
            print(line, end="")
            lines.append(line.strip())
    return process.returncode, [line for line in lines if line]


def changed_text(record: dict[str, Any]) -> str:
    """Return one line: how many predictions are others than on the machine of the bundle."""
    parts = []
    for row in record["models"]:
        if row["failed"]:
            parts.append(f"{row['name']} does not run")
        elif row["expected_agreement"] is not None:
            changed = round((1 - row["expected_agreement"]) * len(row["predictions"]))
            parts.append(f"{row['name']} {changed}")
    return (
        f"{record['name']} ({record['emulated']}): of {record['dataset']['images']:,} predictions "
        f"differ from those here: {', '.join(parts)}"
    )


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
