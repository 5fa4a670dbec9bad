"""Quantized models that take uint8 pixels beside a float32 model that takes preprocessed images."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
import yaml
from helpers import overlay, run_snakemake
from onnx import TensorProto
from PIL import Image
from ptq_comparison.common.files import sha256_file
from ptq_comparison.inference.session import make_session

MODEL = {"input_type": "uint8", "scale": 0.9, "mean": [3.0, 5.0, 4.0], "std": [1.1, 1.0, 0.9]}
RECIPES = {
    "int8": {"dtype": "int8"},
    "u8s8": {"dtype": "u8s8", "format": "QOperator"},
}
SPEED = {"measure": True, "seconds": 0.05, "threads": [1], "batch_sizes": [4]}
NEEDED = {"min_calibration_accuracy": 0.3, "suspicious_input": "warn"}  # its training had no mean


def scores(run, name):
    with np.load(run / f"results/predictions/{name}.npz") as arrays:
        return arrays["scores"]


def element_type(path):
    return onnx.load(path).graph.input[0].type.tensor_type.elem_type


def test_a_row_of_each_kind(tiny, tmp_path):
    floats = {"activation_type": "QInt8", "weight_type": "QInt8", "input_type": "float32"}
    settings = {
        "model": MODEL,
        "quantization": {"dtypes": ["int8", "u8s8"], "extra_dtypes": {"int8_images": floats}},
        "latency": SPEED,
        "acceptance": {**NEEDED, "min_size_reduction": None},
    }
    files = (tiny / "config.yaml", overlay(tmp_path / "own.yaml", settings))
    targets = ("results/comparison.md", "results/figures/ranges.svg", "results/verification.json")
    result = run_snakemake(tmp_path, *targets, configfiles=files)
    assert result.returncode == 0, result.stdout
    models = tmp_path / "results/models"
    types = {name: element_type(models / f"{name}.onnx") for name in ("fp32", "int8", "u8s8")}
    assert types == {
        "fp32": TensorProto.FLOAT,
        "int8": TensorProto.UINT8,
        "u8s8": TensorProto.UINT8,
    }
    assert element_type(models / "int8_images.onnx") == TensorProto.FLOAT
    found = scores(tmp_path, "int8")
    assert np.array_equal(found, scores(tmp_path, "int8_images"))
    with np.load(tiny / "data.npz") as arrays:  # pixels, as they are
        session = make_session(onnx.load(models / "int8.onnx"), 1)
        assert np.array_equal(session.run(None, {"image": arrays["test_images"]})[0], found)
    latency = json.loads((tmp_path / "results/latency.json").read_text())
    rows = latency["measurements"]
    assert [row["model"] for row in rows] == ["fp32", "int8", "u8s8", "int8_images"]
    assert min(row["peak_memory_bytes"] for row in rows) >= 0
    requirements = json.loads((tmp_path / "results/verification.json").read_text())
    assert all(requirement["passed"] for requirement in requirements)
    page = (tmp_path / "results/comparison.md").read_text()
    assert "with the preprocessing inside the model and its times: int8, u8s8. The times" in page
    assert "int8_images" in page


@pytest.mark.slow  # a whole sweep
def test_the_recommended_model_takes_pixels(tiny, tmp_path):
    overlay(tmp_path / "recipes.yaml", {"recipes": RECIPES})
    settings = {
        "model": MODEL,
        "sweep": {"recipes": str(tmp_path / "recipes.yaml"), "seconds": 0.05},
        "latency": SPEED,
        "acceptance": NEEDED,
        "recommend": {"min_speedup": None, "max_drop_pp": 50},
    }
    files = (tiny / "config.yaml", overlay(tmp_path / "own.yaml", settings))
    targets = ("results/recommendation.md", "results/mixed_precision.csv")
    result = run_snakemake(tmp_path, *targets, configfiles=files)
    assert result.returncode == 0, result.stdout
    sweep = tmp_path / "results/sweep"
    for name in (*RECIPES, "auto"):
        assert element_type(sweep / f"models/{name}.onnx") == TensorProto.UINT8
    content = json.loads((tmp_path / "results/recommendation.json").read_text())
    assert "uint8 pixels as input" in content["words"] and content["quantize_static"] is None
    with np.load(tiny / "data.npz") as arrays:
        Image.fromarray(arrays["test_images"][0]).save(tmp_path / "image.png")
        names = arrays["class_names"]
    assert "float32" not in content["python"]
    (tmp_path / "use.py").write_text(content["python"])
    done = subprocess.run(
        [sys.executable, "use.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == names[scores(tmp_path, "recommended")[0].argmax()]
    pinned = tmp_path / "results/models/recommended.yaml"
    again = tmp_path / "again"
    again.mkdir()
    made = yaml.safe_load(pinned.read_text())
    name = content["pinned"]["model"]
    target = f"results/models/{name}.onnx"
    assert made["model"]["input_type"] == "uint8"
    result = run_snakemake(again, target, configfiles=(*files, pinned))
    assert result.returncode == 0, result.stdout
    if not content["pinned"]["notes"]:
        assert sha256_file(again / target) == content["model"]["sha256"]
