"""What a machine tells of itself."""

import pytest
from ptq_comparison.device.machine import (
    cpu_name,
    describe_machine,
    instruction_sets,
    temperature,
)
from ptq_comparison.inference.runtime import describe_runtime

PI = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU part\t: 0xd0b

Hardware\t: BCM2835
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""
PC = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx avx2 fma avx512_vnni\n"


def test_this_machine_is_described_as_the_workflow_describes_it():
    machine = describe_machine()
    assert machine["isa"] == describe_runtime([])["isa"]
    assert machine["cores"] >= 1 and machine["memory_bytes"] > 10**8


@pytest.mark.parametrize(
    ("text", "name", "isa"),
    [
        (PI, "BCM2835", ["asimd", "asimddp"]),
        (PC, "Some CPU @ 2 GHz", ["avx", "avx2", "fma", "avx512_vnni"]),
    ],
)
def test_linux_tells_cpu_and_instruction_sets(tmp_path, text, name, isa):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert cpu_name(path, tmp_path / "absent") == name
    assert instruction_sets(path) == isa


def test_a_board_has_its_own_name(tmp_path):
    board = tmp_path / "model"
    board.write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")
    assert cpu_name(tmp_path / "absent", board) == "Raspberry Pi 5 Model B Rev 1.0"


def test_other_systems_tell_by_numpy(tmp_path):
    found = instruction_sets(tmp_path / "absent")
    assert set(found) == {n for n in instruction_sets() if n in found}
    assert found


def test_the_temperature_is_that_of_the_hottest_zone(tmp_path):
    assert temperature(tmp_path) is None
    for number, text in enumerate(["41200\n", "55000\n", "off\n"]):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "temp").write_text(text)
    assert temperature(tmp_path) == 55.0
