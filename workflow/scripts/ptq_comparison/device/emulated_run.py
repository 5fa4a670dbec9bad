"""The bundle for a device, measured on a CPU that this machine emulates."""

import logging
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json
from ptq_comparison.common.supervisor import end_with_parent
from ptq_comparison.device.emulation import Emulator


def run_bundle(bundle: Path, cpu: str, emulator: Emulator, scratch: Path) -> Path:
    """Unpack a bundle into an empty folder, run its measure.py; return the file that it writes.

    What it prints goes to the streams of this process. Raises UserError where it fails, or where no
    model runs.
    """
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(scratch)
    (script,) = scratch.glob("*/measure.py")
    # Threads would share one core in qemu, and a device has fewer than this machine.
    options = ["--name", cpu, "--threads", "1", "--no-times", "--emulated", emulator.text]
    command = [*emulator.command, str(script), *options]
    logging.info("%s", " ".join(command))
    code = subprocess.run(
        command, cwd=scratch, env=emulator.environment, preexec_fn=end_with_parent
    ).returncode
    written = scratch / f"device_{cpu}.json"
    if code != 0 or not written.is_file():
        how = f"died of signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise UserError(
            f"{cpu}: measure.py {how} under {emulator.text}; the messages in the log say why"
        )
    _check(read_json(written), cpu)
    return written


def _check(record: dict[str, Any], cpu: str) -> None:
    failed = [row["failed"] for row in record["models"] if row["failed"]]
    if len(failed) == len(record["models"]):
        raise UserError(f"{cpu}: no model of the bundle runs; the first one: {failed[0]}")
    assert record["finished"] and record["emulated"]


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
