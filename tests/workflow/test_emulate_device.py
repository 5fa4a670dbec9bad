"""The target `emulate`: the bundle for devices on CPUs that this machine can be."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers import overlay, run_snakemake
from helpers.shared_runs import copy_run
from ptq_comparison.device.emulation import emulated_file, has_vnni, missing_emulator

NO_ARM, NO_VNNI = missing_emulator("cortex_a72"), missing_emulator("no_vnni")


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


def emulate(cpu, finished, folder, config):
    """Go on with a finished run up to the table of devices; return the file of a CPU."""
    copy_run(finished, folder)
    files = (overlay(folder / "own.yaml", config),)
    targets = (emulated_file(cpu), "results/devices.csv")
    result = run_snakemake(folder, *targets, configfiles=files)
    assert result.returncode == 0, result.stdout
    record = json.loads((folder / emulated_file(cpu)).read_text())
    assert record["finished"] and not any(row["failed"] for row in record["models"])
    table = pd.read_csv(folder / "results/devices.csv").set_index(["device", "model"])
    return record, table.loc[cpu]


@pytest.mark.emulator
@pytest.mark.skipif(NO_ARM is not None, reason=f"{NO_ARM}")
def test_the_default_bundle_runs_on_an_arm_cpu_without_dot_product(
    default_run, tmp_path, record_property
):
    config = {"device": {"images": 100}}  # float32 takes qemu 0.2 s an image
    record, table = emulate("cortex_a72", default_run, tmp_path, config)
    assert record["emulated"].startswith("qemu-aarch64 1")
    assert record["machine"]["architecture"] == "aarch64"
    assert record["machine"]["isa"] == ["asimd"]  # no asimddp
    assert record["machine"]["kernels_saturate"] is False
    changed = {}
    with np.load(tmp_path / "results/device/expected.npz") as expected:
        for row in record["models"]:
            name = row["name"]
            changed[name] = int(np.sum(expected[name] != row["predictions"]))
            assert table.loc[name, "changed"] == changed[name]
            assert table.loc[name, "top1"] == pytest.approx(row["accuracy"])
            assert row["latency"] is None
    record_property("told", f"qemu as Cortex-A72, 100 images, predictions that differ: {changed}")
    assert set(changed) >= {"fp32", "int8", "uint8"}
    assert max(changed.values()) <= 2  # other kernels may break a tie in another way


@pytest.mark.emulator
@pytest.mark.skipif(NO_VNNI is not None, reason=f"{NO_VNNI}")
def test_weights_of_full_range_lose_on_a_cpu_without_vnni(default_run, tmp_path):
    """The row of the device shows what saturation costs, with the warning."""
    full = {"activation_type": "QUInt8", "weight_type": "QInt8", "per_channel": True}
    config = {
        "quantization": {"extra_dtypes": {"full": full}},
        "latency": {"measure": False},
    }
    record, table = emulate("no_vnni", default_run, tmp_path, config)
    assert record["machine"]["kernels_saturate"] is True
    saturation = {row["name"]: row["saturation"] for row in record["models"]}
    assert saturation["full"]["checked"] and not saturation["uint8"]["checked"]
    assert saturation["full"]["changed"] >= 0.01
    assert table.loc["full", "saturation_changed"] == saturation["full"]["changed"]
    assert table.loc["full", "agreement"] < table.loc["uint8", "agreement"]
    lines = (tmp_path / "results/devices.md").read_text().splitlines()
    assert [line for line in lines if "Warning" in line and "full" in line and "no_vnni" in line]
