"""What a machine tells of itself, with the standard library and NumPy alone."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from ptq_comparison.evaluation.disturbance import frequency_governor
from ptq_comparison.inference.instruction_sets import INSTRUCTION_SETS

CPU_INFO = Path("/proc/cpuinfo")
BOARD = Path("/proc/device-tree/model")  # of single-board computers
ZONES = Path("/sys/class/thermal")
FREQUENCY = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")  # kHz
# NumPy's names of instruction sets, where they are not archspec's in capitals.
NUMPY_NAMES = {"FMA3": "fma", "AVX512VNNI": "avx512_vnni"}


def describe_machine() -> dict[str, Any]:
    """Return the CPU, its instruction sets, cores, memory and what rules its clock.

    None stands for what the system does not tell.
    """
    return {
        "cpu": cpu_name(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "isa": instruction_sets(),
        "cores": usable_cores(),
        "memory_bytes": _memory(),
        "governor": frequency_governor(),
        "frequency_mhz": _frequency(),
    }


def cpu_name(cpu_info: Path = CPU_INFO, board: Path = BOARD) -> str:
    """Return the name of the board, or of the CPU, as far as the system tells it."""
    if board.is_file():
        return board.read_text(errors="replace").strip("\0 \n")
    # `Hardware` is what phones have, `model name` PCs.
    for key in ("model name", "Hardware", "Model"):
        if values := _cpu_info(key, cpu_info):
            return values[0]
    return platform.processor() or platform.machine()


def instruction_sets(cpu_info: Path = CPU_INFO) -> list[str]:
    """Return those of INSTRUCTION_SETS that the CPU has, from Linux, or as NumPy finds them."""
    lines = [*_cpu_info("flags", cpu_info), *_cpu_info("Features", cpu_info)]
    told = {flag for line in lines for flag in line.split()}
    if not told:
        told = {NUMPY_NAMES.get(name, name.lower()) for name in _numpy_features()}
    return [name for name in INSTRUCTION_SETS if name in told]


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def temperature(zones: Path = ZONES) -> float | None:
    """Return the temperature of the hottest zone in degrees Celsius; None where none is told."""
    found = []
    for path in zones.glob("thermal_zone*/temp"):
        try:
            found.append(int(path.read_text()) / 1000)
        except (OSError, ValueError):  # a sensor that is off
            continue
    return max(found, default=None)


def _cpu_info(key: str, path: Path) -> list[str]:
    """Return the values of a key of /proc/cpuinfo that are not empty; none on other systems."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return []
    values = re.findall(rf"^{key}[ \t]*:[ \t]*(.*)$", text, re.MULTILINE)
    return [value.strip() for value in values if value.strip()]


def _numpy_features() -> list[str]:
    try:
        from numpy._core._multiarray_umath import __cpu_features__ as features
    except ImportError:  # before NumPy 2
        from numpy.core._multiarray_umath import (  # type: ignore[no-redef]
            __cpu_features__ as features,
        )
    return [name for name, there in features.items() if there]


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def _frequency() -> float | None:
    try:
        return int(FREQUENCY.read_text()) / 1000
    except (OSError, ValueError):
        return None
