"""Further execution providers, each a device of this machine."""

import json

import pytest
from helpers import REPOSITORY, overlay, run_snakemake
from helpers.shared_runs import copy_run

CPU, AZURE, OPENVINO = (f"{name}ExecutionProvider" for name in ("CPU", "Azure", "OpenVINO"))
PYTHON = REPOSITORY / ".venv-openvino/bin/python"


def device_file(name):
    return f"results/providers/device_{name}.json"


def configfiles(tiny, folder, provider, **settings):
    latency = {"providers": ["cpu", provider], "seconds": 0.05, **settings}
    return tiny / "config.yaml", overlay(folder / "own.yaml", {"latency": latency})


def test_a_provider_that_is_not_there_ends_the_run_at_its_start(tiny, tmp_path):
    files = configfiles(tiny, tmp_path, "xnnpack")
    result = run_snakemake(tmp_path, device_file("xnnpack"), configfiles=files, cores=1)
    assert result.returncode == 1
    (line,) = {line for line in result.stderr.splitlines() if line.startswith("error:")}
    assert "find_provider: latency.providers: execution provider 'XnnpackExecution" in line
    assert AZURE in line and CPU in line and ".venv-xnnpack in the working folder" in line
    assert not (tmp_path / "results/models").exists()


def test_a_provider_that_takes_no_node_is_no_device(tiny, tiny_run, tmp_path):
    """It sends nodes to a server; onnxruntime would run all of them on the CPU without a word."""
    folder = copy_run(tiny_run, tmp_path / "run")
    files = configfiles(tiny, tmp_path, "azure")
    result = run_snakemake(folder, device_file("azure"), configfiles=files)
    assert result.returncode == 1
    assert f"latency.providers: {AZURE}: no model of the bundle runs" in result.stderr
    assert f"nodes ran on {CPU}" in result.stderr
    assert not (folder / device_file("azure")).exists()


def test_a_device_of_the_name_of_a_provider_is_refused(tiny, tmp_path):
    other = tmp_path / "results/devices/device_azure.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    files = configfiles(tiny, tmp_path, "azure")
    result = run_snakemake(tmp_path, "devices", configfiles=files)
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert "latency.providers: azure: " in line and "is of another device of this name" in line


def test_two_names_of_a_provider_are_refused(tiny, tmp_path):
    files = (tiny / "config.yaml", overlay(tmp_path / "own.yaml", {
        "latency": {"providers": ["openvino", OPENVINO]}
    }))  # fmt: skip
    result = run_snakemake(tmp_path, "all", configfiles=files)
    assert result.returncode == 1 and "are the same one; remove one of them" in result.stderr


@pytest.mark.openvino
def test_openvino_is_a_device_of_this_machine(tiny, tiny_run, tmp_path):
    """In an environment of its own, with another onnxruntime than that of the run."""
    if not PYTHON.is_file():
        pytest.skip("no .venv-openvino; make openvino sets it up")
    folder = copy_run(tiny_run, tmp_path / "run")
    files = configfiles(tiny, tmp_path, "OpenVINO", measure=True)
    result = run_snakemake(folder, "devices", configfiles=files)
    if "has no onnxruntime that works" in result.stderr:
        pytest.skip("there is no onnxruntime-openvino for this machine")
    assert result.returncode == 0, result.stdout
    device = json.loads((folder / device_file("openvino")).read_text())
    assert (device["name"], device["settings"]["provider"]) == ("openvino", OPENVINO)
    assert device["runtime"]["providers"][0] == OPENVINO and device["finished"]
    rows = {row["name"]: row for row in device["models"]}
    assert set(rows) == {"fp32", "int8", "uint8"}
    for name, row in rows.items():
        assert row["failed"] is None and row["executed_by"].get(OPENVINO, 0) > 0
        assert row["expected_agreement"] > 0.9 and row["latency"]["speedup"] > 0
        assert f"openvino: {name}: " in result.stderr
    assert rows["fp32"]["expected_agreement"] == rows["fp32"]["agreement"] == 1
    assert not (folder / "results/providers/openvino.json").exists()  # of the search
    # It is one of the devices, without and with its file.
    table = (folder / "results/devices.csv").read_bytes()
    assert table.count(b"\nopenvino,") == 3
    (folder / "results/devices.csv").unlink()
    again = run_snakemake(folder, "devices", configfiles=files)
    assert again.returncode == 0, again.stdout
    assert "measure_provider" not in again.stdout
    assert (folder / "results/devices.csv").read_bytes() == table
