"""The recommendation on real images: the first 1,017 images of every CIFAR-10 batch."""

import json

import pytest
import yaml
from helpers import REPOSITORY, overlay, run_snakemake


@pytest.mark.slow
def test_resnet8_in_8_bits_answers_as_float32_does(shared_data, tmp_path):
    """Three of the shipped recipes: as published, folded, and rounded so that errors cancel out."""
    shipped = yaml.safe_load((REPOSITORY / "config/recipes.yaml").read_text())["recipes"]
    rounded = {**shipped["u8s8_gptq_percentile"], "format": "QOperator", "bias_correction": False}
    recipes = {
        "int8": shipped["int8"],
        "folded": {**shipped["u8s8"], "method": "MinMax", "format": "QOperator"},
        "rounded": rounded,
    }
    overlay(tmp_path / "recipes.yaml", {"recipes": recipes})
    config = {
        "dataset": {"path": str(shared_data / "cifar10-prefix")},
        "model": {"source": str(shared_data / "models/resnet8.onnx")},
        "latency": {"measure": False},
        "sweep": {"recipes": str(tmp_path / "recipes.yaml")},
        "sensitivity": {"recipe": "folded"},
        "recommend": {"min_speedup": None},
    }
    files = (REPOSITORY / "config/cifar10.yaml", overlay(tmp_path / "own.yaml", config))
    result = run_snakemake(tmp_path, "recommend", configfiles=files)
    assert result.returncode == 0, result.stdout
    content = json.loads((tmp_path / "results/recommendation.json").read_text())
    assert content["recipe"] == "rounded"
    assert content["validation"]["agreement"] > 0.985
    assert content["test"]["total"] == 1017
    assert content["test"]["agreement"] >= 0.98
    assert content["test"]["delta_ci95_pp"][1] >= 0  # not shown to lose any accuracy
    assert content["test"]["bytes"] < 100_000
    assert content["warning"] is None  # 7-bit weights saturate nowhere
