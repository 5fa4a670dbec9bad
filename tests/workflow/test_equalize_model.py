"""Recipes that start from a model with equalized channels, and what refuses to."""

import json

import numpy as np
import onnx
from helpers import make_classifier, overlay, run_snakemake
from onnx import helper, numpy_helper
from ptq_comparison.common.not_made import read_not_made
from ptq_comparison.model.layers import constants

RECIPES = {
    "plain": {"dtype": "int8", "per_channel": False},
    "equal": {"dtype": "int8", "per_channel": False, "equalization": ["cross_layer", "smooth"]},
}
FACTORS = np.array([1, 1 / 64, 32], np.float32)  # of channels, which the second layer undoes


def make_unequal_classifier():
    """The brightest of three channels, through two layers between which their sizes differ."""
    model = make_classifier()
    nodes = model.graph.node
    pool = next(place for place, node in enumerate(nodes) if node.name == "pool")
    nodes[pool].input[0] = "r2"
    first = numpy_helper.to_array(model.graph.initializer[0])
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(first * FACTORS.reshape(-1, 1, 1, 1), "w")
    )
    second = np.diag(1 / FACTORS)[..., None, None]
    model.graph.initializer.append(numpy_helper.from_array(second, "w2"))
    nodes.insert(pool, helper.make_node("Conv", ["r", "w2"], ["r2"], name="conv2"))
    return model


def files(tiny, folder, model, **settings):
    onnx.save(model, folder / "model.onnx")
    overlay(folder / "recipes.yaml", {"recipes": RECIPES})
    own = {
        "model": {"source": str(folder / "model.onnx")},
        "sweep": {"recipes": str(folder / "recipes.yaml")},
        **settings,
    }
    return (tiny / "config.yaml", overlay(folder / "own.yaml", own))


def test_a_recipe_of_equalized_channels_keeps_what_a_grid_for_all_loses(tiny, tmp_path):
    names = ["plain", "equal_cross_layer", "equal_smooth"]
    targets = [f"results/sweep/{name}_eval.json" for name in names]
    configfiles = files(tiny, tmp_path, make_unequal_classifier())
    result = run_snakemake(tmp_path, *targets, configfiles=configfiles)
    assert result.returncode == 0, result.stdout
    plain, *equal = (json.loads((tmp_path / target).read_text()) for target in targets)
    for evaluation, method in zip(equal, ("cross_layer", "smooth"), strict=True):
        divergence = evaluation["validation"]["kl_divergence"]
        assert divergence < plain["validation"]["kl_divergence"] / 3
        (change,) = evaluation["provenance"]["preparation"]
        assert change == f"channels are equalized ({method}) before Conv 'conv2'"
        model = onnx.load(tmp_path / f"results/models/equalized/{method}.onnx")
        assert not np.allclose(constants(model)["w2"], np.diag(1 / FACTORS)[..., None, None])
    ranges = {path.stem for path in (tmp_path / "results/sweep/ranges").iterdir()}
    assert ranges == {f"MinMax-10-{graph}" for graph in ("folded", "cross_layer", "smooth")}


def test_all_models_of_a_run_are_equalized_if_the_configuration_asks(tiny, tmp_path):
    configfiles = files(
        tiny, tmp_path, make_unequal_classifier(), quantization={"equalization": "cross_layer"}
    )
    result = run_snakemake(tmp_path, "results/int8_eval.json", configfiles=configfiles)
    assert result.returncode == 0, result.stdout
    evaluation = json.loads((tmp_path / "results/int8_eval.json").read_text())
    (change,) = evaluation["calibration"]["provenance"]["preparation"]
    assert "equalized (cross_layer)" in change


def test_a_model_without_two_layers_in_a_row_is_told(tiny, tmp_path):
    target = "results/sweep/models/equal_smooth.onnx"
    configfiles = files(tiny, tmp_path, make_classifier())
    result = run_snakemake(tmp_path, target, configfiles=configfiles)
    line = "quantization.equalization: smooth: the model has no two layers with only Relu"
    assert f"not made: equalize_model: {line}" in result.stdout
    assert read_not_made(tmp_path / target).startswith(line)


def test_batch_normalization_has_to_be_folded_first(tiny, tmp_path):
    quantization = {"equalization": "smooth", "preprocess": False}
    configfiles = files(tiny, tmp_path, make_classifier(), quantization=quantization)
    result = run_snakemake(tmp_path, "all", configfiles=configfiles)
    assert result.returncode != 0
    line = "error: config: quantization.equalization: needs layers without batch normalization"
    assert line in result.stdout
