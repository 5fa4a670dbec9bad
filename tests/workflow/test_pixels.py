"""A model that takes stored pixels, uint8, and scales them itself, through the whole workflow."""

import json
import re

import numpy as np
import onnx
import pandas as pd
import pytest
from helpers import make_pixel_classifier, overlay, run_snakemake
from ptq_comparison.inference.session import make_session

RECIPES = {
    "int8": {"dtype": "int8", "format": ["QDQ", "QOperator"]},
    "wide": {"dtype": "int8", "tensor_types": {"input": "QUInt16"}},
    "refined": {
        "dtype": "u8s8",
        "preprocess": True,
        "method": "MSE",
        "weight_ranges": "MSE",
        "rounding": "GPTQ",
        "bias_correction": True,
    },
}


def files(tiny, folder, **settings):
    """The configuration of a run in `folder`; the model is that of the test."""
    own = {
        "model": {"source": str(folder / "model.onnx"), **settings.pop("model", {})},
        "acceptance": {"min_size_reduction": None},  # the model is tiny
        **settings,
    }
    return (tiny / "config.yaml", overlay(folder / "own.yaml", own))


@pytest.mark.parametrize(
    ("layout", "batch", "format"),
    [("NCHW", "batch", "QDQ"), pytest.param("NHWC", 4, "QOperator", marks=pytest.mark.slow)],
)
def test_it_is_quantized_and_compared(tiny, tmp_path, layout, batch, format):
    onnx.save(make_pixel_classifier(layout, batch), tmp_path / "model.onnx")
    latency = {"measure": True, "seconds": 0.05, "threads": [1], "batch_sizes": [4]}
    configfiles = files(tiny, tmp_path, latency=latency, quantization={"format": format})
    targets = ("results/comparison.md", "results/figures/ranges.svg", "results/verification.json")
    result = run_snakemake(tmp_path, *targets, configfiles=configfiles)
    assert result.returncode == 0, result.stdout
    table = (tmp_path / "results/comparison.md").read_text()
    top1 = {
        name: float(share) for name, share in re.findall(r"^\|(\w+) *\| *([\d.]+)%", table, re.M)
    }
    assert set(top1) == {"fp32", "int8", "uint8"} and min(top1.values()) > 90
    requirements = json.loads((tmp_path / "results/verification.json").read_text())
    assert all(requirement["passed"] for requirement in requirements)
    with np.load(tiny / "data.npz") as arrays:
        images, labels = arrays["test_images"], arrays["test_labels"]
    images = images if layout == "NHWC" else images.transpose(0, 3, 1, 2)
    for name in ("fp32", "int8", "uint8"):
        model = onnx.load(tmp_path / f"results/models/{name}.onnx")
        assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
        if batch == "batch":
            (scores,) = make_session(model, 1).run(None, {"image": images})
            correct = int(np.sum(scores.argmax(axis=1) == labels))
            evaluation = json.loads((tmp_path / f"results/{name}_eval.json").read_text())
            assert evaluation["accuracy"]["correct"] == correct


@pytest.mark.slow  # a whole sweep; the run above covers what differs for such models
def test_its_recipes_are_compared(tiny, tmp_path):
    onnx.save(make_pixel_classifier(), tmp_path / "model.onnx")
    overlay(tmp_path / "recipes.yaml", {"recipes": RECIPES})
    settings = {
        "sweep": {"recipes": str(tmp_path / "recipes.yaml")},
        "recommend": {"min_speedup": None, "max_drop_pp": 50},
    }
    targets = ("results/recommendation.md", "results/sensitivity.csv")
    result = run_snakemake(tmp_path, *targets, configfiles=files(tiny, tmp_path, **settings))
    assert result.returncode == 0, result.stdout
    table = pd.read_csv(tmp_path / "results/sweep.csv").set_index("recipe")
    assert set(table.index) == {"int8_QDQ", "int8_QOperator", "wide", "refined", "auto"}
    assert table["reason"].isna().all() and table["agreement"].min() > 0.9
    # `input` is the first float tensor: what the Cast of the model gives.
    model = onnx.load(tmp_path / "results/sweep/models/wide.onnx")
    types = {i.name: i.data_type for i in model.graph.initializer}
    (node,) = [
        n for n in model.graph.node if n.op_type == "QuantizeLinear" and "cast" in n.input[0]
    ]
    assert types[node.input[2]] == onnx.TensorProto.UINT16


def test_scaling_it_once_more_is_refused(tiny, tmp_path):
    onnx.save(make_pixel_classifier(), tmp_path / "model.onnx")
    configfiles = files(tiny, tmp_path, model={"scale": 1 / 255})
    result = run_snakemake(tmp_path, "results/comparison.md", configfiles=configfiles)
    assert result.returncode != 0
    line = (
        "error: prepare_model: model.scale, model.mean, model.std: the model takes uint8 pixels "
        "and scales them itself; set model.scale to 1, model.mean to 0 and model.std to 1"
    )
    assert line in result.stdout and not (tmp_path / "results/models/fp32.onnx").exists()
