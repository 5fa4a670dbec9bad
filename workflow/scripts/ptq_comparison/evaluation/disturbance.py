"""Whether other load disturbed a measurement of speed, and what the machine says about load."""

import os
from collections.abc import Sequence
from pathlib import Path

WIDEST_HALF = 0.1  # of an interval of speed, as a share of the speed
CPUS = Path("/sys/devices/system/cpu")


def is_disturbed(speedup: float, ci95: Sequence[float]) -> bool:
    """Tell whether half the width of the 95 % interval of a speed is more than 10 % of the speed.

    On an idle machine it is some percent. An interval without any width, as that of float32 against
    itself, is not disturbed, nor is a speed that was not measured (NaN).
    """
    low, high = ci95
    return bool((high - low) / 2 > WIDEST_HALF * speedup)


def load_average() -> list[float] | None:
    """Return how many processes wanted to run in the last 1, 5 and 15 minutes, on average.

    None where the system does not tell.
    """
    try:
        return [round(load, 2) for load in os.getloadavg()]
    except (AttributeError, OSError):
        return None


def frequency_governor(cpus: Path = CPUS) -> str | None:
    """Return what rules the clock of the CPUs, as `performance`; those of all, if they differ.

    None where the system does not tell, as in most virtual machines.
    """
    names = set()
    for path in cpus.glob("cpu[0-9]*/cpufreq/scaling_governor"):
        try:
            names.add(path.read_text().strip())
        except OSError:  # a CPU that is switched off
            continue
    return ", ".join(sorted(names)) or None
