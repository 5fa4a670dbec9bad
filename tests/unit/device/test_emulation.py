"""Which CPUs this machine can be, and how; no emulator is needed for that."""

import re

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.device import emulation
from ptq_comparison.device.emulation import (
    ARM_CPUS,
    CPUS,
    cpus_to_emulate,
    emulated_file,
    make_emulator,
    missing_emulator,
)


@pytest.fixture
def qemu(tmp_path, monkeypatch):
    """An emulator that only knows its version."""
    folder = tmp_path / "emulator/aarch64"
    (folder / "debian/usr/bin").mkdir(parents=True)
    (folder / "debian/usr/bin/python3.13").touch()
    program = folder / "qemu-aarch64"
    program.write_text("#!/bin/sh\necho 'qemu-aarch64 version 10.0.13 (Debian 1:10.0.13)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("EMULATOR", str(tmp_path / "emulator"))
    return folder


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """A machine that can be no other CPU."""
    monkeypatch.setenv("EMULATOR", str(tmp_path / "none"))
    monkeypatch.setattr("platform.machine", lambda: "aarch64")


@pytest.mark.parametrize("cpu", ARM_CPUS)
def test_a_missing_emulator_is_told_with_the_remedy(tmp_path, monkeypatch, cpu):
    monkeypatch.setenv("EMULATOR", str(tmp_path))
    reason = missing_emulator(cpu)
    assert str(tmp_path) in reason and "make emulator" in reason and "\n" not in reason
    with pytest.raises(UserError, match=f"^{cpu}: {re.escape(reason)}, or remove "):
        make_emulator(cpu, tmp_path)


@pytest.mark.parametrize(("cpu", "model"), [("cortex_a72", "cortex-a72"), ("aarch64_max", "max")])
def test_an_arm_cpu_is_run_by_qemu(qemu, tmp_path, monkeypatch, cpu, model):
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("PYTHONHOME", "/usr")
    assert missing_emulator(cpu) is None
    emulator = make_emulator(cpu, tmp_path)
    assert emulator.text == f"qemu-aarch64 10.0.13 as {model}"
    program, option, name, *_ = emulator.command
    assert program == str(qemu / "qemu-aarch64") and option == "-cpu"
    assert name.split(",")[0] == model
    assert emulator.command[-1] == str(qemu / "debian/usr/bin/python3.13")
    assert emulator.environment["PYTHONPATH"] == str(qemu / "site")
    assert emulator.environment["ORT_DISABLE_TELEMETRY"] == "1"
    # They are of this machine's programs.
    assert not {"LD_PRELOAD", "PYTHONHOME"} & set(emulator.environment)


def test_half_an_emulator_is_told(qemu, tmp_path):
    (qemu / "debian/usr/bin/python3.13").unlink()
    with pytest.raises(UserError, match=r"is no complete emulator .*make emulator"):
        make_emulator("cortex_a72", tmp_path)


def test_a_cpu_without_vnni_is_there_on_x86_alone(monkeypatch, tmp_path):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(emulation, "has_vnni", lambda: False)
    assert missing_emulator("no_vnni") is None
    emulator = make_emulator("no_vnni", tmp_path)
    assert emulator.text == "x86-64 without VNNI, this CPU"
    assert emulator.environment["ORT_DISABLE_TELEMETRY"] == "1"
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert "this CPU is arm64" in missing_emulator("no_vnni")


def test_hiding_vnni_needs_a_compiler_on_linux(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(emulation, "has_vnni", lambda: True)
    monkeypatch.setattr("shutil.which", lambda tool: None)
    reason = missing_emulator("no_vnni")
    assert reason == "cc, objdump, readelf: not found; on Debian: apt-get install gcc binutils"
    monkeypatch.setattr("shutil.which", lambda tool: f"/usr/bin/{tool}")
    assert missing_emulator("no_vnni") is None
    monkeypatch.setattr("sys.platform", "darwin")
    assert "only Linux can hide it" in missing_emulator("no_vnni")


def test_a_run_without_such_a_target_emulates_nothing(nothing):
    assert cpus_to_emulate({"all", "results/devices.csv"}) == ([], [])


def test_emulate_stands_for_what_is_there(qemu, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    cpus, left_out = cpus_to_emulate({"emulate"})
    assert cpus == list(ARM_CPUS)
    assert left_out == [
        "without no_vnni: this CPU is aarch64; only x86-64 can be without VNNI",
    ]


def test_emulate_without_any_emulator_is_an_error_of_one_line(nothing):
    with pytest.raises(UserError) as error:
        cpus_to_emulate({"emulate"})
    assert "\n" not in str(error.value) and "make emulator" in str(error.value)
    assert all(cpu in str(error.value) for cpu in CPUS)


def test_a_file_that_is_asked_for_needs_its_emulator(nothing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = emulated_file("cortex_a72")
    with pytest.raises(UserError, match=rf"^{path}: no emulator .*make emulator"):
        cpus_to_emulate({path})
    # One that is there may be up to date.
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).touch()
    assert cpus_to_emulate({path}) == (["cortex_a72"], [])
