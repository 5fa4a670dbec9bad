"""The target `device_bundle`, and its script on this machine."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from helpers import overlay, run_snakemake
from helpers.environments import PYTHON_3_8, make_environment
from helpers.shared_runs import copy_run


def measure(folder, python=sys.executable, *options):
    """Unpack the bundle of a run in an empty folder, and measure it there."""
    place = folder / "device"
    with zipfile.ZipFile(folder / "results/device_bundle.zip") as archive:
        archive.extractall(place)
    command = [python, "-I", "device_bundle/measure.py", "--name", "here", *options]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((place / "device_here.json").read_text()), done.stdout


def test_the_bundle_measures_what_the_workflow_does(default_run, tmp_path):
    folder = copy_run(default_run, tmp_path)
    result = run_snakemake(folder, "device_bundle")
    assert result.returncode == 0, result.stdout
    record, shown = measure(folder, sys.executable, "--seconds", "0.05")
    indices = np.load(folder / "results/device/indices.npy")
    labels = np.load(folder / "results/dataset/test_labels.npy")[indices]
    # Of each class its share.
    whole = np.bincount(np.load(folder / "results/dataset/test_labels.npy"))
    assert len(indices) == 500
    assert np.abs(np.bincount(labels) - whole * 500 / whole.sum()).max() < 1
    assert [row["name"] for row in record["models"]] == ["fp32", "int8", "uint8"]
    for row in record["models"]:
        predicted = np.load(folder / f"results/predictions/{row['name']}.npz")["predicted"]
        assert np.array_equal(row["predictions"], predicted[indices])
        assert row["accuracy"] == np.mean(predicted[indices] == labels)
        assert row["latency"]["speedup"] > 0 and row["name"] in shown
    assert (folder / "results/device_bundle.zip").stat().st_size < 3e6
    # The same inputs make the same bytes.
    before = (folder / "results/device_bundle.zip").read_bytes()
    (folder / "results/device_bundle.zip").unlink()
    assert run_snakemake(folder, "device_bundle").returncode == 0
    assert (folder / "results/device_bundle.zip").read_bytes() == before


def test_all_test_images_and_the_recommended_model_are_packed(recipes_run, tiny, tmp_path):
    folder = copy_run(recipes_run, tmp_path)
    own = overlay(tmp_path / "own.yaml", {"device": {"images": "all", "recipes": "pareto"}})
    files = (tiny / "config.yaml", recipes_run / "own.yaml", own)
    result = run_snakemake(folder, "device_bundle", configfiles=files)
    assert result.returncode == 0, result.stdout
    manifest = json.loads((folder / "results/device/bundle.json").read_text())
    assert manifest["dataset"]["images"] == manifest["dataset"]["of"] == 151
    names = [model["name"] for model in manifest["models"]]
    assert "recommended" in names
    front = json.loads((folder / "results/recommendation.json").read_text())["pareto"]
    assert {f"recipes/{row['recipe']}" for row in front} == {
        name for name in names if name.startswith("recipes/")
    }


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ({"images": 0}, "device.images: 0 is less than the minimum of 1"),
        ({"images": "some"}, "device.images"),
        ({"formats": ["ort"]}, "device.formats"),
        ({"recipes": "best"}, "device.recipes"),
    ],
)
def test_odd_options_are_one_line(tiny, tmp_path, device, message):
    files = (tiny / "config.yaml", overlay(tmp_path / "own.yaml", {"device": device}))
    result = run_snakemake(tmp_path, "device_bundle", configfiles=files)
    assert result.returncode != 0
    assert f"error: config: {message}" in result.stdout


# Environments are installed, in a minute each.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("python", "packages"),
    [
        (sys.executable, ["numpy", "onnxruntime"]),
        (sys.executable, ["numpy<2.2", "onnxruntime==1.20.1"]),  # of November 2024
        (PYTHON_3_8, ["numpy", "onnxruntime==1.14.1"]),
    ],
    ids=["newest", "two years older", "oldest"],
)
def test_numpy_and_any_onnxruntime_are_all_it_needs(default_run, tmp_path, python, packages):
    folder = copy_run(default_run, tmp_path)
    result = run_snakemake(folder, "device_bundle")
    assert result.returncode == 0, result.stdout
    environment = make_environment(tmp_path / "environment", python, packages)
    record, _ = measure(folder, environment, "--seconds", "0.05")
    expected = np.load(folder / "results/device/expected.npz")
    assert record["finished"]
    for row in record["models"]:
        assert row["failed"] is None
        agreement = np.mean(np.array(row["predictions"]) == expected[row["name"]])
        assert row["expected_agreement"] == agreement
        # Without VNNI, the int8 kernels of 1.14 saturate: 8 of 500 predictions.
        assert agreement == 1 if row["name"] == "fp32" else agreement > 0.97
