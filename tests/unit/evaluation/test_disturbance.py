"""Whether a measurement was disturbed, and what the machine says about load."""

import math
import os

import pytest
from ptq_comparison.evaluation import disturbance
from ptq_comparison.evaluation.disturbance import frequency_governor, is_disturbed, load_average


@pytest.mark.parametrize(
    ("speed", "interval", "expected"),
    [
        (2.0, [1.9, 2.1], False),
        (2.0, [1.75, 2.2], True),
        (0.5, [0.46, 0.54], False),  # 8 %
        (0.5, [0.44, 0.56], True),  # 12 %, though narrow
        (1.0, (1.0, 1.0), False),
        (math.nan, (math.nan, math.nan), False),
    ],
)
def test_half_an_interval_of_more_than_a_tenth_of_the_speed_is_disturbed(speed, interval, expected):
    assert is_disturbed(speed, interval) is expected


def test_the_load_average_is_that_of_the_system(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (1.234, 0.5, 0.0))
    assert load_average() == [1.23, 0.5, 0.0]

    def refuse():
        raise OSError

    monkeypatch.setattr(os, "getloadavg", refuse)
    assert load_average() is None
    monkeypatch.delattr(os, "getloadavg")  # as on Windows
    assert load_average() is None


def test_the_governor_is_that_of_all_cpus(tmp_path):
    assert frequency_governor(tmp_path) is None
    for number, name in enumerate(["powersave", "performance", "powersave"]):
        folder = tmp_path / f"cpu{number}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{name}\n")
    (tmp_path / "cpu3/cpufreq/scaling_governor").mkdir(parents=True)  # cannot be read
    (tmp_path / "cpufreq").mkdir()
    assert frequency_governor(tmp_path) == "performance, powersave"
    assert frequency_governor() is None or disturbance.CPUS.exists()
