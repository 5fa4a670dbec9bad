"""Other CPUs that this machine can be, for the predictions on them: which are there, and how."""

import os
import platform
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from archspec.cpu.detect import detected_info

from ptq_comparison.common.errors import UserError
from ptq_comparison.device.without_vnni import hide_vnni, missing_tools

REPOSITORY = Path(__file__).parents[4]
ARM_CPUS = {"cortex_a72": "cortex-a72", "aarch64_max": "max"}  # and their names in qemu
NO_VNNI = "no_vnni"
CPUS = (*ARM_CPUS, NO_VNNI)
TARGET = "emulate"  # of the workflow
VNNI = {"avx512_vnni", "avx_vnni"}
# Of this process; others may name libraries of this machine.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
ENVIRONMENT = {"ORT_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Emulator(NamedTuple):
    """The start of a command that runs Python on a CPU, its environment, and what it is."""

    command: list[str]
    environment: dict[str, str]
    text: str


def emulator_folder() -> Path:
    """Return the folder that tools/emulator.sh fills, an absolute path."""
    return Path(os.environ.get("EMULATOR") or REPOSITORY / ".emulator").absolute()


def missing_emulator(cpu: str) -> str | None:
    """Return why this machine cannot be a CPU of `CPUS`, with the remedy; None if it can."""
    if cpu in ARM_CPUS:
        if (emulator_folder() / "aarch64/qemu-aarch64").is_file():
            return None
        return (
            f"no emulator in {emulator_folder()}; type: make emulator (on Debian 12 or 13), or set "
            "the variable EMULATOR to a folder that has one"
        )
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"this CPU is {platform.machine()}; only x86-64 can be without VNNI"
    if not has_vnni():
        return None
    if sys.platform != "linux":
        return "this CPU has VNNI, and only Linux can hide it"
    return missing_tools()


def emulated_file(cpu: str) -> str:
    """Return the path of what a run makes for a CPU of `CPUS`, relative to its working folder."""
    return f"results/emulated/device_{cpu}.json"


def cpus_to_emulate(targets: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the CPUs whose files a run with these targets makes, and a line for what is left out.

    `emulate` stands for all that this machine can be. Raises UserError, of one line, where it can
    be none, and where it cannot be one whose file is a target and not there.
    """
    asked = [cpu for cpu in CPUS if emulated_file(cpu) in targets]
    if not asked and TARGET not in targets:
        return [], []
    missing = {cpu: reason for cpu in CPUS if (reason := missing_emulator(cpu))}
    for cpu in asked:
        if cpu in missing and not Path(emulated_file(cpu)).is_file():
            raise UserError(f"{emulated_file(cpu)}: {missing[cpu]}")
    if TARGET not in targets:
        return asked, []
    reasons = {
        reason: [cpu for cpu in CPUS if missing.get(cpu) == reason] for reason in missing.values()
    }
    lines = [f"without {' and '.join(cpus)}: {reason}" for reason, cpus in reasons.items()]
    there = [cpu for cpu in CPUS if cpu not in missing]
    if not there:
        raise UserError("; ".join(lines))
    return there, lines


def has_vnni() -> bool:
    """Tell whether this CPU has instructions that multiply 8-bit numbers without saturation."""
    return bool(VNNI & detected_info().features)


def make_emulator(cpu: str, scratch: Path) -> Emulator:
    """Return how to run Python as a CPU of `CPUS`; UserError where its emulator is missing.

    `scratch` is an empty folder for what has to be made.
    """
    missing = missing_emulator(cpu)
    if missing:
        raise UserError(f"{cpu}: {missing}, or remove {emulated_file(cpu)}")
    if cpu in ARM_CPUS:
        return _arm(ARM_CPUS[cpu], emulator_folder() / "aarch64")
    text, variables = "x86-64 without VNNI, this CPU", dict[str, str]()
    if has_vnni():
        text = "x86-64 with VNNI, hidden from onnxruntime"
        variables, _ = hide_vnni(scratch)
    return Emulator([sys.executable], {**os.environ, **ENVIRONMENT, **variables}, text)


def _arm(name: str, folder: Path) -> Emulator:
    qemu = folder / "qemu-aarch64"
    try:
        # "qemu-aarch64 version 10.0.13 (Debian ...)"
        version = _output([str(qemu), "--version"]).split()[2]
        (python,) = sorted((folder / "debian/usr/bin").glob("python3.[0-9]*"))
    except (OSError, subprocess.CalledProcessError, IndexError, ValueError) as error:
        raise UserError(
            f"{folder}: is no complete emulator ({error}); remove it and type: make emulator"
        ) from error
    # Debian's programs sign return addresses; qemu's own way costs less than that of ARM.
    model = f"{name},pauth-impdef=on" if name == "max" else name
    command = [str(qemu), "-cpu", model, "-L", str(folder / "debian"), str(python)]
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment = {**kept, **ENVIRONMENT, "PYTHONPATH": str(folder / "site")}
    return Emulator(command, environment, f"qemu-aarch64 {version} as {name}")


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
