"""A MobileNetV2-like net with batch normalization kept, with the defaults and without folding."""

import json

import numpy as np
import pytest
from helpers import REPOSITORY, overlay, run_snakemake
from helpers.shared_runs import copy_run
from ptq_comparison.datasets.shapes_generator import CLASS_NAMES, generate

pytestmark = pytest.mark.slow  # 2,000 test images of shapes, twice

MODEL = REPOSITORY / "tests/data/mobilenet_shapes.onnx"
TARGETS = ("results/verdict.txt", "results/comparison.md", "results/verification.md",
           "results/diagnosis.md")  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A part of the images of shapes, as many for calibration as by default."""
    path = tmp_path_factory.mktemp("data") / "data.npz"
    train, train_labels = generate("calibration", 512)
    test, test_labels = generate("test", 2000)
    np.savez(
        path,
        train_images=train,
        train_labels=train_labels,
        test_images=test,
        test_labels=test_labels,
        class_names=np.array(CLASS_NAMES),
    )
    return path


def run(data, folder, **quantization):
    config = {
        "dataset": {"name": "npz", "path": str(data)},
        "model": {"source": str(MODEL)},
        "calibration": {"samples": 512},
        "latency": {"measure": False},
        "quantization": quantization,
    }
    files = (overlay(folder / "own.yaml", config),)
    result = run_snakemake(folder, *TARGETS, configfiles=files)
    assert result.returncode == 0, result.stdout
    return folder / "results"


def losses(results):
    return {
        dtype: -json.loads((results / f"{dtype}_eval.json").read_text())["baseline"]["delta_pp"]
        for dtype in ("int8", "uint8")
    }


@pytest.fixture(scope="module")
def default(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("default")
    run(data, folder)
    return folder


def test_the_defaults_hold(default):
    results = default / "results"
    assert max(losses(results).values()) < 3
    assert (results / "diagnosis.md").read_text() == ""
    assert json.loads((results / "diagnosis.json").read_text()) == {"models": [], "notes": []}


def test_a_collapse_is_explained(data, default, tmp_path):
    results = run(data, copy_run(default, tmp_path / "run"), preprocess=False, per_channel=False)
    assert min(losses(results).values()) > 10
    diagnosis = json.loads((results / "diagnosis.json").read_text())
    for model in diagnosis["models"]:
        kinds = [reason["kind"] for reason in model["reasons"]]
        # A CPU without VNNI saturates, too; uint8 weights take another kernel.
        assert kinds[:2] == ["folding", "weights"]
        assert kinds[2:] in ([], ["saturation"] if model["model"] == "int8" else [])
        assert model["nodes"][0]["node"] == "Conv 'block2_depthwise_conv'"
    told = "\n".join(diagnosis["notes"])
    assert "set quantization.preprocess to true." in told
    assert "set quantization.per_channel to true." in told
    assert "17 nodes are followed by batch normalization" in told
    for file in ("comparison.md", "verification.md", "diagnosis.md"):
        assert "set quantization.preprocess to true." in (results / file).read_text()
