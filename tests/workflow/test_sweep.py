"""Recipes, the sweep and the recommendation, run on tiny images."""

import json
import re

import numpy as np
import onnx
import pandas as pd
import pytest
import yaml
from helpers import make_classifier, make_images, overlay, run_snakemake
from helpers.shared_runs import copy_run
from ptq_comparison.common.not_made import read_not_made

RECIPES = {
    "int8": {"dtype": "int8", "preprocess": False},
    "u8s8": {"dtype": "u8s8", "per_channel": True, "reduce_range": [False, True]},
    "folded": {"dtype": "uint8", "preprocess": True, "method": ["MinMax", "Percentile"]},
}
NAMES = [
    "int8",
    "u8s8_no_reduce_range",
    "u8s8_reduce_range",
    "folded_MinMax",
    "folded_Percentile",
    "auto",
]
SETTINGS = {
    "sensitivity": {"recipe": "folded_MinMax"},
    "latency": {"measure": False},
    "recommend": {"max_drop_pp": 50, "min_speedup": None},
}


def files(tiny, folder, recipes=None, **settings):
    """The configuration of a run in `folder`, with its recipes."""
    overlay(folder / "recipes.yaml", {"recipes": recipes or RECIPES})
    own = {**SETTINGS, "sweep": {"recipes": str(folder / "recipes.yaml")}, **settings}
    return (tiny / "config.yaml", overlay(folder / "own.yaml", own))


def planned(output):
    """The number of jobs of each rule, from the last table of job counts that Snakemake prints."""
    table = output.rsplit("Job stats:", 1)[-1]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


@pytest.fixture(scope="module")
def swept(tiny, tmp_path_factory):
    """The folder of a finished run of `recommend`."""
    folder = tmp_path_factory.mktemp("swept")
    result = run_snakemake(folder, "recommend", configfiles=files(tiny, folder))
    assert result.returncode == 0, result.stdout
    (folder / "output.txt").write_text(result.stdout)
    return folder


def test_every_recipe_is_evaluated_on_images_that_do_not_calibrate(swept):
    table = pd.read_csv(swept / "results/sweep.csv")
    assert sorted(table["recipe"]) == sorted(NAMES)
    assert table["agreement"].is_monotonic_decreasing
    calibration, validation = (
        np.loadtxt(swept / "results" / path, int, delimiter=",", skiprows=1)
        for path in ("calibration/samples.csv", "sweep/validation.csv")
    )
    assert len(validation) == table["total"].iloc[0] == 60
    assert not set(calibration[:, 0]) & set(validation[:, 0])
    for name in NAMES:
        evaluation = json.loads((swept / f"results/sweep/{name}_eval.json").read_text())
        row = table[table["recipe"] == name].iloc[0]
        assert evaluation["validation"]["agreement"] == row["agreement"]
        assert evaluation["provenance"]["recipe"] == name


def test_calibrations_are_shared(swept):
    ranges = {path.stem for path in (swept / "results/sweep/ranges").iterdir()}
    assert ranges == {
        "MinMax-10-given",
        "MinMax-10-folded",
        "Percentile-99.999-2048-10-folded",
    }


def test_the_recommendation_names_the_best_and_tests_the_smallest_of_its_equals(swept):
    """Speed is not measured, and a few bytes are the name in the file."""
    content = json.loads((swept / "results/recommendation.json").read_text())
    table = pd.read_csv(swept / "results/sweep.csv")
    best = content["best"] or content["validation"]
    assert best["recipe"] == table["recipe"].iloc[0] and best["recipe"] in content["reason"]
    sizes = table.set_index("recipe")["bytes"]
    equals = [content["recipe"], *content["not_worse"]]
    assert best["recipe"] in equals
    assert sizes[content["recipe"]] <= 1.005 * sizes[equals].min()
    tries = pd.read_csv(swept / "results/mixed_precision.csv")["tries"].iloc[-1]
    assert content["recipes"] == len(NAMES)
    assert content["tried"] == len(NAMES) - 1 + tries
    assert best["agreement"] == table["agreement"].iloc[0]
    assert content["constraints"]["by"] == "interval"
    evaluation = json.loads((swept / "results/recommended_eval.json").read_text())
    assert content["test"]["correct"] == evaluation["accuracy"]["correct"]
    assert content["test"]["total"] == 151
    low, high = content["test"]["agreement_ci95"]
    assert low <= content["test"]["agreement"] <= high
    assert content["test"]["speedup"] is None  # not measured
    assert best["recipe"] in {row["recipe"] for row in content["pareto"]}
    model = f"results/sweep/models/{content['recipe']}.onnx"
    recommended = (swept / "results/models/recommended.onnx").read_bytes()
    assert recommended == (swept / model).read_bytes()
    page = (swept / "results/recommendation.md").read_text()
    assert content["summary"] in page
    shown = (swept / "results/recommendation.txt").read_text().rstrip()
    assert f"\n{shown}\n\nNext:\n" in (swept / "output.txt").read_text()  # at its end


def test_no_test_image_has_a_part_in_the_choice(tiny, swept, tmp_path):
    """No job before the selection reads them, and other test images give the same selection."""
    with np.load(tiny / "data.npz") as arrays:
        content = dict(arrays)
    content["test_images"], content["test_labels"] = make_images(99, seed=3)
    np.savez(tmp_path / "data.npz", **content)
    dataset = {"name": "npz", "path": str(tmp_path / "data.npz")}
    configfiles = files(tiny, tmp_path, dataset=dataset)
    target = "results/sweep/selection.json"
    result = run_snakemake(tmp_path, target, configfiles=configfiles)
    assert result.returncode == 0, result.stdout
    inputs = re.findall(r"^    input: (.*)$", result.stdout, re.MULTILINE)
    assert any("validation.npy" in line for line in inputs)
    assert not any("test_images" in line or "test_labels" in line for line in inputs)
    assert (tmp_path / target).read_bytes() == (swept / target).read_bytes()


def test_another_recipe_runs_alone(tiny, swept):
    given = RECIPES["int8"]
    more = {**RECIPES, "new": {**given, "per_channel": False}}
    changed = {**RECIPES, "int8": {**given, "extra_options": {"ActivationSymmetric": True}}}
    for recipes, own in ((more, "new"), (changed, "int8")):
        result = run_snakemake(
            swept, "sweep", configfiles=files(tiny, swept, recipes), options=("--dry-run",)
        )
        assert planned(result.stdout) == {
            "quantize_recipe": 1,
            "gather_sweep": 1,
            "plot_sweep": 1,
            "sweep": 1,
            "total": 4,
        }, result.stdout
        assert f"wildcards: recipe={own}" in result.stdout


def test_nothing_qualifies(tiny, swept, tmp_path):
    folder = copy_run(swept, tmp_path / "run")
    strict = {"max_drop_pp": 50, "min_speedup": None, "max_bytes": 10}
    configfiles = files(tiny, folder, recommend=strict)
    result = run_snakemake(folder, "recommend", configfiles=configfiles)
    assert result.returncode != 0
    line = result.stdout[result.stdout.index("error: select_recipe: recommend:") :].splitlines()[0]
    assert "none of 6 recipes meets max_drop_pp 50, max_bytes 10; closest is " in line
    for name in ("sweep/selection.json", "models/recommended.onnx"):
        assert not (folder / "results" / name).exists(), name
    assert (folder / "results/sweep.csv").exists()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("recipes:\n  a: {dtype: int4}", "recipes.a.dtype: 'int4' is not allowed; allowed: int8"),
        ("recipes:\n  a: {reduce_range: true}", "recipes.a: has no types; give dtype"),
        ("recipes: []", "no recipes; give a mapping 'recipes'"),
        ("- int8", "no mapping at the top"),
        ("recipes:\n  auto: {dtype: int8}", "recipes: 'auto' is taken; choose another name"),
        ("recipes: {a: {dtype: int8, rounding: up}}", "recipes.a.rounding: 'up' is not allowed"),
        ("recipes:\n  a:\n  b: {dtype: int8}", "recipes.a: has None; give a mapping of options"),
        ("recipes: {a: {dtype: int8, method: []}}", "recipes.a.method: [] has no value"),
        ("recipes:\n  a: {dtype: int8}\n  a: {dtype: uint8}", "line 3: 'a' stands there once more"),
    ],
)
def test_a_wrong_recipes_file_is_one_line(tiny, tmp_path, content, line):
    path = tmp_path / "recipes.yaml"
    path.write_text(content)
    own = overlay(tmp_path / "own.yaml", {"sweep": {"recipes": str(path)}})
    result = run_snakemake(tmp_path, "sweep", configfiles=(tiny / "config.yaml", own))
    assert result.returncode != 0
    assert [x for x in result.stdout.splitlines() if x.startswith("error: recipes.yaml: ")]
    assert line in result.stdout
    assert not (tmp_path / "results").exists()


def test_a_recipes_file_that_is_not_there(tiny, tmp_path):
    own = overlay(tmp_path / "own.yaml", {"sweep": {"recipes": "nowhere.yaml"}})
    result = run_snakemake(tmp_path, "sweep", configfiles=(tiny / "config.yaml", own))
    assert result.returncode != 0
    assert "error: config: sweep.recipes: nowhere.yaml: no such file" in result.stdout


def test_a_tensor_that_is_not_there_is_named(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    recipes = {"a": {"dtype": "int8", "tensor_types": {"imagee": "QUInt16"}}}
    target = "results/sweep/models/a.onnx"
    result = run_snakemake(
        tmp_path, target, configfiles=files(tiny, tmp_path, recipes, sensitivity={})
    )
    line = "recipes.a.tensor_types: the model has no tensor 'imagee'; it has for example 'image'"
    assert f"not made: quantize_recipe: {line}" in result.stdout
    assert read_not_made(tmp_path / target).startswith(line)


def test_a_lower_opset_than_a_recipe_needs_is_named_before_it_is_refined(tiny, tmp_path):
    model = make_classifier()
    model.opset_import[0].version = 12
    onnx.save(model, tmp_path / "model.onnx")
    recipes = {"a": {"dtype": "int8"}, "b": {"dtype": "u8s8", "per_channel": True}}
    recipes["c"] = {**recipes["b"], "rounding": "GPTQ"}
    configfiles = files(
        tiny,
        tmp_path,
        recipes,
        model={"source": str(tmp_path / "model.onnx")},
        quantization={"per_channel": False},
        sensitivity={"recipe": "b"},
    )
    targets = [f"results/sweep/models/{name}.onnx" for name in ("a", "c", "auto")]
    result = run_snakemake(
        tmp_path,
        *("results/verdict.txt", *targets),
        configfiles=configfiles,
    )
    assert result.returncode == 0, result.stdout
    assert (tmp_path / "results/verdict.txt").exists()
    assert read_not_made(tmp_path / targets[0]) is None
    for rule, name, target in (
        ("quantize_recipe", "c", targets[1]),
        ("choose_base", "b", targets[2]),
    ):
        line = f"model.source: has opset 12, but recipes.{name}.per_channel with the"
        assert f"not made: {rule}: {line}" in result.stdout
        assert read_not_made(tmp_path / target).startswith(line)


def test_speed_that_is_not_measured_is_missed_before_the_sweep(tiny, tmp_path):
    strict = {"max_drop_pp": 50, "min_speedup": 1.0}
    configfiles = files(tiny, tmp_path, recommend=strict)
    for target, code in (("recommend", 1), ("sweep", 0), ("all", 0)):
        result = run_snakemake(tmp_path, target, configfiles=configfiles, options=("--dry-run",))
        assert result.returncode == code, result.stdout
        line = "error: config: recommend.min_speedup: speed is not measured; set latency.measure"
        assert (line in result.stdout) == bool(code)


def test_images_that_are_missing_are_missed_before_the_sweep(tiny, tmp_path):
    """All images calibrate, so that no recipe is tried."""
    configfiles = files(tiny, tmp_path, calibration={"samples_per_class": 30})
    result = run_snakemake(tmp_path, "sweep", configfiles=configfiles)
    assert result.returncode != 0
    assert "all labelled training images calibrate, and none is left" in result.stdout
    assert "rule calibrate_recipe" not in result.stdout
    assert "rule quantize_recipe" not in result.stdout


def test_tensors_get_types_of_their_own(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    recipes = {"a": {"dtype": "int8", "tensor_types": {"input": "QUInt16"}}}
    configfiles = files(tiny, tmp_path, recipes, sensitivity={})
    result = run_snakemake(tmp_path, "results/sweep/a_eval.json", configfiles=configfiles)
    assert result.returncode == 0, result.stdout
    evaluation = json.loads((tmp_path / "results/sweep/a_eval.json").read_text())
    assert evaluation["provenance"]["quantization"]["tensor_types"] == {"input": "QUInt16"}
    assert yaml.safe_load((tmp_path / "own.yaml").read_text())["latency"]["measure"] is False


def test_the_call_of_quantize_static_makes_the_recommended_graph(swept, tmp_path, monkeypatch):
    content = json.loads((swept / "results/recommendation.json").read_text())
    assert content["quantize_static"] in (swept / "results/recommendation.md").read_text()
    monkeypatch.chdir(copy_run(swept, tmp_path / "run"))
    exec(compile(content["quantize_static"], "call.py", "exec"), {})
    made, recommended = onnx.load("quantized.onnx"), onnx.load("results/models/recommended.onnx")
    assert made.graph == recommended.graph
