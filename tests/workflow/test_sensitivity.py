"""The target `sensitivity`, on a model with a node that 8 bits make useless."""

import csv
import json

import numpy as np
import onnx
import pytest
from helpers import (
    RECIPES,
    make_images,
    make_outlier_classifier,
    overlay,
    recipe_files,
    run_snakemake,
)
from helpers.shared_runs import copy_run
from ptq_comparison.inference.session import make_session

# What the search for single nodes gives, without its figures.
MIXED = ("results/mixed_precision.csv", "results/sweep/models/auto.onnx")


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_node_is_in_the_table_once_the_worst_first(recipes_run):
    rows = read(recipes_run / "results/sensitivity.csv")
    assert [(row["rank"], row["node"], row["mode"]) for row in rows[:3]] == [
        ("0", "", "all"),
        ("1", "outlier", "only"),
        ("1", "outlier", "all_but"),
    ]
    nodes = [row["node"] for row in rows if row["mode"] == "only"]
    assert sorted(nodes) == ["conv", "outlier", "pool", "softmax"]
    assert {row["images"] for row in rows} == {"40"}
    divergences = [float(row["kl_divergence"]) for row in rows if row["mode"] == "only"]
    assert divergences == sorted(divergences, reverse=True)
    assert (
        "Nodes that quantization hurts most: outlier, " in (recipes_run / "output.txt").read_text()
    )


def test_the_outlier_stays_in_float(recipes_run):
    curve = read(recipes_run / "results/mixed_precision.csv")
    assert curve[0]["node"] == "" and float(curve[0]["delta_pp"]) < -5
    (auto,) = [row for row in curve if row["is_auto"] == "1"]
    assert float(auto["delta_pp"]) >= -5 and int(auto["nodes_in_float"]) >= 1
    assert all(float(row["speedup_ci95_low"]) > 0 for row in curve)
    assert {(row["threads"], row["batch_size"]) for row in curve} == {("1", "4")}
    path = recipes_run / "results/sweep/models/auto.onnx"
    assert path.stat().st_size == int(auto["bytes"])
    metadata = {entry.key.split(".")[1]: entry.value for entry in onnx.load(path).metadata_props}
    assert "outlier" in json.loads(metadata["quantization"])["nodes_to_exclude"]
    assert metadata["recipe"] == "auto"
    nodes = auto["nodes_in_float"]
    output = (recipes_run / "output.txt").read_text()
    assert "auto starts from u8s8" in output
    assert f"auto: u8s8 with {nodes} of 4 nodes in float32" in output
    for name in ("sensitivity", "mixed_precision"):
        assert (recipes_run / f"results/figures/{name}.svg").stat().st_size > 1000


def test_auto_is_evaluated_like_other_recipes(recipes_run):
    evaluation = json.loads((recipes_run / "results/sweep/auto_eval.json").read_text())
    curve = read(recipes_run / "results/mixed_precision.csv")
    (auto,) = [row for row in curve if row["is_auto"] == "1"]
    assert evaluation["validation"]["correct"] == int(auto["correct"])
    assert evaluation["validation"]["kl_divergence"] == pytest.approx(float(auto["kl_divergence"]))
    assert evaluation["model"]["bytes"] == int(auto["bytes"])


def test_shares_do_not_change_the_result(recipes_run, tiny, tmp_path):
    copy_run(recipes_run, tmp_path / "run")
    before = (recipes_run / "results/sensitivity.csv").read_bytes()
    result = run_snakemake(
        tmp_path / "run",
        "results/sensitivity.csv",
        configfiles=(tiny / "config.yaml", recipes_run / "own.yaml"),
        options=("--set-scatter", "sensitivity=9"),  # more than there are nodes
    )
    assert result.returncode == 0, result.stdout
    assert "results/sensitivity/9-of-9.json" in result.stdout
    assert (tmp_path / "run/results/sensitivity.csv").read_bytes() == before


def go_on(recipes_run, tiny, folder, **settings):
    """Copy the finished run; return the configuration with which the copy goes on."""
    copy_run(recipes_run, folder)
    settings["latency"] = {"measure": False}
    own = overlay(folder / "more.yaml", settings)
    return (tiny / "config.yaml", recipes_run / "own.yaml", own)


def test_a_recipe_whose_only_node_loses_too_much_stays_quantized(recipes_run, tiny, tmp_path):
    """Only the outlier may be quantized; float32 itself is no recipe."""
    configfiles = go_on(
        recipes_run,
        tiny,
        tmp_path,
        sensitivity={"target_drop_pp": 0.0},
        quantization={"nodes_to_exclude": ["conv", "pool", "softmax"]},
    )
    result = run_snakemake(tmp_path, *MIXED, configfiles=configfiles)
    assert result.returncode == 0, result.stdout
    curve = read(tmp_path / "results/mixed_precision.csv")
    assert [row["nodes_quantized"] for row in curve] == ["1"]
    assert "speedup" not in curve[0]
    model = onnx.load(tmp_path / "results/sweep/models/auto.onnx")
    assert "QuantizeLinear" in {node.op_type for node in model.graph.node}


def test_a_recipe_that_is_not_there_is_one_line(tiny, tmp_path):
    configfiles = recipe_files(tmp_path, tiny, sensitivity={"recipe": "u8s9"})
    result = run_snakemake(tmp_path, "sensitivity", configfiles=configfiles)
    assert result.returncode != 0
    *_, last = result.stdout.splitlines()
    line = "there is no recipe 'u8s9'; there is for example 'u8s8'; null stands for the best one"
    assert last == f"error: config: sensitivity.recipe: {line}"
    assert not (tmp_path / "results").exists()


def test_the_best_recipe_is_taken_apart_with_its_refinements(recipes_run, tiny, tmp_path):
    recipes = {"int8": RECIPES["int8"], "gptq": {**RECIPES["gptq"], "per_channel": True}}
    path = overlay(tmp_path / "more_recipes.yaml", {"recipes": recipes})
    settings = {"sensitivity": {"recipe": None}, "sweep": {"recipes": str(path)}}
    configfiles = go_on(recipes_run, tiny, tmp_path, **settings)
    target = "results/sweep/models/auto.onnx"
    result = run_snakemake(tmp_path, target, configfiles=configfiles)
    assert result.returncode == 0, result.stdout
    evaluations = {
        name: json.loads((tmp_path / f"results/sweep/{name}_eval.json").read_text())
        for name in recipes
    }
    base = json.loads((tmp_path / "results/sensitivity/base.json").read_text())["name"]
    agreement = {name: found["validation"]["agreement"] for name, found in evaluations.items()}
    assert agreement[base] == max(agreement.values())
    entries = onnx.load(tmp_path / target).metadata_props
    metadata = {entry.key.split(".")[1]: entry.value for entry in entries}
    rounding = recipes[base].get("rounding", "nearest")
    assert json.loads(metadata["refinements"])["rounding"] == rounding


def test_nodes_without_a_name_are_ranked_and_kept_in_float(tiny, tmp_path):
    model = make_outlier_classifier()
    for node in model.graph.node:
        node.name = ""
    onnx.save(model, tmp_path / "outlier.onnx")
    configfiles = recipe_files(tmp_path, tiny, latency={"measure": False})
    result = run_snakemake(tmp_path, *MIXED, configfiles=configfiles)
    assert result.returncode == 0, result.stdout
    curve = read(tmp_path / "results/mixed_precision.csv")
    assert len(curve) > 1
    ranking = read(tmp_path / "results/sensitivity.csv")
    assert "o" in [row["node"] for row in ranking]  # the output of the outlier
    images, _ = make_images(20, seed=3)
    session = make_session(onnx.load(tmp_path / "results/sweep/models/auto.onnx"), 1)
    (scores,) = session.run(None, {"image": images.astype(np.float32)})
    assert np.ptp(scores) > 0.1  # with the outlier in 8 bits all are equal
