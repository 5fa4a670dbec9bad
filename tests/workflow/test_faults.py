"""What goes wrong ends in one clear line, a non-zero exit, and nothing partial."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from helpers import (
    REPOSITORY,
    make_classifier,
    make_nan_classifier,
    overlay,
    run_snakemake,
    snakemake_command,
)


def results(folder):
    """Return the files in results that are neither logs nor benchmarks."""
    found = (path.relative_to(folder) for path in (folder / "results").rglob("*"))
    return sorted(str(path) for path in found if path.suffix not in ("", ".log", ".tsv"))


# Overlay of the tiny config, content of model.onnx (None: the good one), target, what is said.
FAULTS = {
    "typo in the config": (
        {"quantization": {"per_chanel": True}}, None, "all",
        "error: config: quantization.per_chanel: unknown key; did you mean 'per_channel'?",
    ),
    "unknown method": (
        {"calibration": {"method": "Percentil"}}, None, "all",
        "calibration.method: 'Percentil' is not allowed; allowed: MinMax",
    ),
    "unknown model in the target": (
        {}, None, "results/int4_eval.json",
        "there is no model 'int4'; allowed: fp32, int8, uint8",
    ),
    "data set that is not there": (
        {"dataset": {"path": "nowhere.npz"}}, None, "all",
        "dataset.path: nowhere.npz: no such file or folder",
    ),
    "path without the kind of data set": (
        {"dataset": {"name": "shapes"}}, None, "all",
        "dataset.name: shapes needs no dataset.path",
    ),
    "no data set at all": (
        {"dataset": {"path": None}}, None, "all", "dataset.path: is not set; npz needs",
    ),
    "no network": (
        {"dataset": {"name": "cifar10", "path": None, "url": "http://127.0.0.1:9/c.tar.gz"}},
        None, "all",
        "error: download_dataset: dataset.url: http://127.0.0.1:9/c.tar.gz cannot be downloaded",
    ),
    "another archive than expected": (
        {"dataset": {"sha256": "0" * 64}}, None, "all", "error: prepare_dataset: dataset.sha256:",
    ),
    "too few calibration images": (
        {"calibration": {"samples_per_class": 31}}, None, "all",
        "error: sample_calibration: calibration.samples_per_class: class 'red' has 30 training "
        "images, 31 were asked for",
    ),
    "model that is not there": (
        {"model": {"source": "nowhere.onnx"}}, None, "all",
        "model.source: nowhere.onnx: no such file",
    ),
    "HTML instead of ONNX": (
        {}, b"<html></html>", "all", "error: prepare_model: model.onnx: not a valid ONNX model",
    ),
    "another image size": (
        {}, make_classifier(side=9).SerializeToString(), "all",
        "error: prepare_model: model.source takes images of height, width, channels (9, 9, 3)",
    ),
    "wrong number of means": (
        {"model": {"mean": [1.0, 2.0]}}, None, "all",
        "model.mean: 2 values for images of 3 channels",
    ),
    "typo in an excluded node": (
        {"quantization": {"nodes_to_exclude": ["konv"]}}, None, "results/int8_eval.json",
        "error: quantize: quantization.nodes_to_exclude: the model has no node 'konv'",
    ),
    "weights that are not numbers": (
        {}, make_nan_classifier().SerializeToString(), "results/fp32_eval.json",
        "error: predict: model.source: the scores of some images are not finite",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(tiny, tmp_path, fault):
    config, model, target, message = FAULTS[fault]
    if model:
        (tmp_path / "model.onnx").write_bytes(model)
        config = {**config, "model": {"source": "model.onnx"}}
    files = (tiny / "config.yaml", overlay(tmp_path / "overlay.yaml", config))
    result = run_snakemake(tmp_path, target, configfiles=files)
    assert result.returncode != 0
    lines = [line for line in result.stdout.splitlines() if message in line]
    assert lines, result.stdout
    assert "Traceback (most recent call last)" not in result.stdout
    assert target not in results(tmp_path)
    if lines[-1].startswith("error: ") and " (log: " in lines[-1]:
        # It stands at the end of the output too, so that nobody has to search for it.
        assert lines[-1] in result.stdout.splitlines()[-6:]
        log = tmp_path / lines[-1].rpartition("(log: ")[2].rstrip(")")
        assert "Traceback (most recent call last)" in log.read_text()
        failed = log.relative_to(tmp_path / "results/logs").parts[0].removesuffix(".log")
        assert not [name for name in results(tmp_path) if OUTPUTS.get(failed, "-") in name]


OUTPUTS = {
    "download_dataset": "downloads",
    "prepare_dataset": "dataset",
    "prepare_model": "models",
    "sample_calibration": "samples",
    "calibrate": "ranges",
    "quantize": "int8",
    "predict": "predictions/",
}


def test_killed_run_finishes_after_unlock(tiny, tiny_run, tmp_path):
    """Kill Snakemake and its jobs in the middle: what comes out of the next run is the same."""
    process = subprocess.Popen(
        snakemake_command(tmp_path, "all", configfiles=(tiny / "config.yaml",)),
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "results/logs/calibrate.log").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "results/comparison.csv").exists()

    locked = run_snakemake(tmp_path, "all", configfiles=(tiny / "config.yaml",))
    assert locked.returncode != 0 and "--unlock" in locked.stdout
    unlock = run_snakemake(
        tmp_path, "all", configfiles=(tiny / "config.yaml",), options=("--unlock",)
    )
    assert unlock.returncode == 0, unlock.stdout
    result = run_snakemake(tmp_path, "all", configfiles=(tiny / "config.yaml",))
    assert result.returncode == 0, result.stdout
    for model in ("fp32", "int8", "uint8"):
        name = f"results/{model}_eval.json"
        assert (tmp_path / name).read_bytes() == (tiny_run / name).read_bytes()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the repository that tests may edit."""
    folder = tmp_path_factory.mktemp("checkout") / "repository"
    ignore = shutil.ignore_patterns(
        ".git", ".venv", ".snakemake", "results", "__pycache__", ".*_cache"
    )
    shutil.copytree(REPOSITORY, folder, ignore=ignore)
    return folder


def reruns(folder, tiny, repository):
    """Return the rules that Snakemake would run again."""
    result = run_snakemake(
        folder,
        "all",
        configfiles=(tiny / "config.yaml",),
        options=("--dry-run",),
        repository=repository,
    )
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    return {
        line.split()[1].rstrip(":") for line in lines if line.startswith(("rule ", "localrule "))
    }


def test_an_edited_module_reruns_the_rules_that_use_it(tiny, tmp_path, checkout):
    first = run_snakemake(tmp_path, "all", configfiles=(tiny / "config.yaml",), repository=checkout)
    assert first.returncode == 0, first.stdout
    package = checkout / "workflow/scripts/ptq_comparison"

    (package / "metrics.py").touch()
    assert reruns(tmp_path, tiny, checkout) == set()
    edit(package / "metrics.py")
    assert reruns(tmp_path, tiny, checkout) == {"evaluate", "compare", "all"}
    edit(package / "sampling.py")
    assert reruns(tmp_path, tiny, checkout) >= {"sample_calibration", "calibrate", "quantize"}
    edit(package / "preprocessing.py")
    assert reruns(tmp_path, tiny, checkout) >= {"calibrate", "predict"}
    assert "prepare_dataset" not in reruns(tmp_path, tiny, checkout)


def edit(path):
    path.write_text(path.read_text() + "\nEDITED = True\n")


def test_a_changed_key_reruns_what_depends_on_it(tiny, tiny_run, tmp_path):
    seed = overlay(tmp_path / "seed.yaml", {"calibration": {"seed": 43}})
    result = run_snakemake(
        tiny_run, "all", configfiles=(tiny / "config.yaml", seed), options=("--dry-run",)
    )
    assert "rule sample_calibration" in result.stdout and "rule calibrate" in result.stdout
    assert "rule prepare_dataset" not in result.stdout and "rule prepare_model" not in result.stdout
