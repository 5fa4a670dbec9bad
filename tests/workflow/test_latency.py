"""The target `results/latency.json`."""

import json

import onnx
import pandas as pd
import pytest
from helpers import make_classifier, overlay, run_snakemake
from helpers.shared_runs import copy_run
from ptq_comparison.evaluation.timing import BLOCK_COUNT


def test_every_model_is_measured_with_every_setting(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    settings = {"latency": {"seconds": 0.1, "batch_sizes": [1, 8], "threads": [1, "all"]}}
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", settings))
    result = run_snakemake(tmp_path, "results/latency.json", configfiles=files)
    assert result.returncode == 0, result.stdout
    content = json.loads((tmp_path / "results/latency.json").read_text())
    assert content["runtime"]["onnxruntime"]
    assert content["machine"].keys() == {"load_average", "governor"}
    for time in ("before", "after"):
        loads = content["machine"]["load_average"][time]
        assert len(loads) == 3 and min(loads) >= 0
    rows = content["measurements"]
    assert all(row["calls"] >= BLOCK_COUNT for row in rows)
    # All models of a setting make as many calls.
    assert len({(row["threads"], row["batch_size"], row["calls"]) for row in rows}) == 4
    assert [(row["threads"], row["batch_size"], row["model"]) for row in rows] == [
        (threads, size, model)
        for threads in (1, 2)
        for size in (1, 8)
        for model in ("fp32", "int8", "uint8")
    ]
    for row in rows:
        assert 0 < row["median_ms"] <= row["p90_ms"] <= row["p99_ms"]
        low, high = row["speedup_ci95"]
        assert low <= row["speedup"] <= high
        assert row["session_start_ms"] > 0 and row["peak_memory_bytes"] >= 0
        if row["model"] == "fp32":
            assert row["speedup"] == low == high == 1.0


def test_a_fixed_batch_is_measured_once(tiny, tmp_path):
    onnx.save(make_classifier(batch=4), tmp_path / "model.onnx")
    settings = {
        "model": {"source": str(tmp_path / "model.onnx")},
        "quantization": {"dtypes": ["uint8"]},
        "latency": {"seconds": 0.1, "batch_sizes": [1, 32], "threads": [1]},
    }
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", settings))
    result = run_snakemake(tmp_path, "results/latency.json", configfiles=files)
    assert result.returncode == 0, result.stdout
    rows = json.loads((tmp_path / "results/latency.json").read_text())["measurements"]
    assert [(row["model"], row["batch_size"]) for row in rows] == [("fp32", 4), ("uint8", 4)]


def test_the_first_setting_stands_in_comparison_and_verdict(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    settings = {
        "latency": {"measure": True, "seconds": 0.1, "batch_sizes": [4, 1], "threads": [2]},
        "quantization": {"dtypes": ["uint8"]},
    }
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", settings))
    result = run_snakemake(tmp_path, "all", configfiles=files)
    assert result.returncode == 0, result.stdout
    rows = json.loads((tmp_path / "results/latency.json").read_text())["measurements"]
    table = pd.read_csv(tmp_path / "results/comparison.csv", index_col="model")
    assert (rows[1]["model"], rows[1]["batch_size"]) == ("uint8", 4)
    assert table.loc["uint8", "speedup"] == pytest.approx(rows[1]["speedup"])
    assert table.loc["fp32", "speedup"] == 1
    verdict = (tmp_path / "results/verdict.txt").read_text()
    speed = f"{rows[1]['speedup']:.2f} times the speed of float32 on this machine"
    assert f"{speed} (2 threads, batch 4)" in verdict
    assert (tmp_path / "results/summary.txt").read_text() in result.stdout


def test_a_number_of_threads_that_is_none_is_refused(tiny, tmp_path):
    settings = {"latency": {"threads": [0]}}
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", settings))
    result = run_snakemake(tmp_path, "results/latency.json", configfiles=files)
    assert result.returncode != 0
    assert "error: config: latency.threads.0: 0 is less than the minimum of 1" in result.stdout
