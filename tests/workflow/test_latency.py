"""The target `results/latency.json`."""

import json

from helpers import overlay, run_snakemake


def test_every_model_is_measured_with_every_setting(tiny, tmp_path):
    settings = {"latency": {"rounds": 3, "batch_sizes": [1, 8], "threads": [1, "all"]}}
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", settings))
    result = run_snakemake(tmp_path, "results/latency.json", configfiles=files)
    assert result.returncode == 0, result.stdout
    content = json.loads((tmp_path / "results/latency.json").read_text())
    assert content["calls"] == 24 and content["runtime"]["onnxruntime"]
    rows = content["measurements"]
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


def test_a_number_of_threads_that_is_none_is_refused(tiny, tmp_path):
    settings = {"latency": {"threads": [0]}}
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", settings))
    result = run_snakemake(tmp_path, "results/latency.json", configfiles=files)
    assert result.returncode != 0
    assert "error: config: latency.threads.0: 0 is less than the minimum of 1" in result.stdout
