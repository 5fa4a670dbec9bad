"""The target `emulate`: the bundle for devices on CPUs that this machine can be."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers import overlay, run_snakemake
from helpers.shared_runs import copy_run
from ptq_comparison.device.emulation import emulated_file, has_vnni, missing_emulator

NO_VNNI = missing_emulator("no_vnni")


def errors(result):
    return {line for line in result.stderr.splitlines() if line.startswith("error:")}


def test_a_file_without_its_emulator_is_one_line(tiny, tmp_path):
    """Before any job, and with what to type."""
    path = emulated_file("aarch64_max")
    result = run_snakemake(
        tmp_path,
        path,
        configfiles=(tiny / "config.yaml",),
        environment={"EMULATOR": str(tmp_path / "none")},
    )
    assert result.returncode != 0
    (error,) = errors(result)
    assert error.startswith(f"error: emulate: {path}: no emulator in {tmp_path / 'none'}; type: ")
    assert "make emulator" in error
    assert not (tmp_path / "results/models/fp32.onnx").exists()


@pytest.mark.skipif(NO_VNNI is not None or has_vnni(), reason="needs x86-64 without VNNI")
def test_emulate_makes_and_compares_what_is_there(tiny, tiny_run, tmp_path):
    """In one call: files and their table. What is left out is told."""
    copy_run(tiny_run, tmp_path)
    files, nothing = (tiny / "config.yaml",), {"EMULATOR": str(tmp_path / "none")}
    result = run_snakemake(tmp_path, "emulate", configfiles=files, environment=nothing)
    assert result.returncode == 0, result.stdout
    (told,) = {line for line in result.stderr.splitlines() if line.startswith("emulate: without")}
    assert "without cortex_a72 and aarch64_max: no emulator" in told and "make emulator" in told
    assert "emulate: no_vnni (x86-64 without VNNI, this CPU): of 151 predictions" in result.stdout
    record = json.loads((tmp_path / emulated_file("no_vnni")).read_text())
    with np.load(tmp_path / "results/device/expected.npz") as expected:
        for row in record["models"]:
            assert row["predictions"] == expected[row["name"]].tolist()
            assert row["latency"] is None
    assert set(pd.read_csv(tmp_path / "results/devices.csv")["device"]) == {"no_vnni"}
    # The emulator may be gone when its file is there.
    again = run_snakemake(tmp_path, emulated_file("no_vnni"), configfiles=files)
    assert "Nothing to be done" in again.stdout, again.stdout


# With all weights at full range, sums of two products go beyond 16 bits.
CONFIG = {
    "quantization": {
        "extra_dtypes": {
            "u8s8_full": {
                "activation_type": "QUInt8",
                "weight_type": "QInt8",
                "per_channel": True,
            }
        }
    },
    "device": {"images": 100},  # float32 takes qemu 0.2 s an image
    "latency": {"measure": False},
}


@pytest.fixture(scope="module")
def emulated(default_run, tmp_path_factory):
    """The default run with one more model, on the CPUs that there are."""
    there = [cpu for cpu in ("cortex_a72", "no_vnni") if missing_emulator(cpu) is None]
    if not there:
        pytest.skip(f"{missing_emulator('cortex_a72')}; {NO_VNNI}")
    folder = tmp_path_factory.mktemp("emulated") / "run"
    copy_run(default_run, folder)
    files = (overlay(folder / "own.yaml", CONFIG),)
    targets = [*map(emulated_file, there), "results/devices.csv"]
    result = run_snakemake(folder, *targets, configfiles=files)
    assert result.returncode == 0, result.stdout
    return folder


def rows_of(folder, cpu):
    record = json.loads((folder / emulated_file(cpu)).read_text())
    assert record["finished"] and not any(row["failed"] for row in record["models"])
    return record, {row["name"]: row for row in record["models"]}


@pytest.mark.emulator
@pytest.mark.skipif(
    missing_emulator("cortex_a72") is not None, reason=f"{missing_emulator('cortex_a72')}"
)
def test_the_default_bundle_runs_on_an_arm_cpu_without_dot_product(emulated, record_property):
    record, rows = rows_of(emulated, "cortex_a72")
    assert record["emulated"].startswith("qemu-aarch64 1")
    assert record["machine"]["architecture"] == "aarch64"
    assert record["machine"]["isa"] == ["asimd"]
    assert record["machine"]["kernels_saturate"] is False
    with np.load(emulated / "results/device/expected.npz") as expected:
        changed = {
            name: int(np.sum(expected[name] != row["predictions"])) for name, row in rows.items()
        }
    record_property("told", f"qemu as Cortex-A72, 100 images, predictions that differ: {changed}")
    # Other kernels round other ties; what saturates here, does not there.
    assert {"fp32", "int8", "uint8", "u8s8_full"} <= set(changed)
    assert max(changed[name] for name in ("fp32", "int8", "uint8")) <= 2
    assert rows["u8s8_full"]["agreement"] >= 0.97
    table = pd.read_csv(emulated / "results/devices.csv").set_index(["device", "model"])
    for name, row in rows.items():
        assert table.loc[("cortex_a72", name), "accuracy"] == pytest.approx(row["accuracy"])


@pytest.mark.emulator
@pytest.mark.skipif(NO_VNNI is not None, reason=f"{NO_VNNI}")
def test_weights_of_full_range_lose_on_a_cpu_without_vnni(emulated):
    """The row of the device shows it, with the warning; the exact kernels predict as ARM does."""
    record, rows = rows_of(emulated, "no_vnni")
    assert record["machine"]["kernels_saturate"] is True
    saturation = rows["u8s8_full"]["saturation"]
    assert saturation["checked"] and saturation["changed"] >= 0.01
    assert not rows["uint8"]["saturation"]["checked"]
    if missing_emulator("cortex_a72") is None:
        arm = np.array(rows_of(emulated, "cortex_a72")[1]["u8s8_full"]["predictions"])
        own, exact = (np.array(row["predictions"]) for row in (rows["u8s8_full"], saturation))
        assert np.mean(arm != own) >= 0.01 > np.mean(arm != exact)
    text = (emulated / "results/devices.md").read_text()
    assert "no_vnni" in text and "satur" in text.lower()
