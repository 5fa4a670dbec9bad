"""A recipe that cannot be made is a row with its reason; a configured dtype ends the run."""

import json

import pandas as pd
import pytest
from helpers import RECIPES as MADE
from helpers import overlay, run_snakemake
from helpers.shared_runs import copy_run
from ptq_comparison.common.not_made import read_not_made, write_not_made

LOST = {"dtype": "int8", "nodes_to_exclude": ["nowhere"]}
RECIPES = {**MADE, "lost": LOST}
REASON = "recipes.lost.nodes_to_exclude: the model has no node 'nowhere'; it has for example "
OF_LOST = (
    "models/lost.onnx",
    "predictions/lost.npz",
    "predictions/lost.json",
    "lost_eval.json",
)


def files(tiny, folder, recipes, **settings):
    """The configuration of a run in `folder`, with its recipes."""
    overlay(folder / "recipes.yaml", {"recipes": recipes})
    own = {
        "latency": {"measure": False},
        "sweep": {"recipes": str(folder / "recipes.yaml")},
        "recommend": {"min_speedup": None},
        **settings,
    }
    return (tiny / "config.yaml", overlay(folder / "own.yaml", own))


def files_of_one_more(tiny, recipes_run, folder):
    """The configuration of `recipes_run` with a recipe more, which cannot be made."""
    recipes = overlay(folder / "more_recipes.yaml", {"recipes": RECIPES})
    more = {"sweep": {"recipes": str(recipes)}, "recommend": {"min_speedup": 0.001}}
    return (tiny / "config.yaml", recipes_run / "own.yaml", overlay(folder / "more.yaml", more))


@pytest.fixture(scope="module")
def recommended(tiny, recipes_run, tmp_path_factory):
    """The folder of a finished run of `recommend`, one of whose recipes cannot be made."""
    folder = copy_run(recipes_run, tmp_path_factory.mktemp("recommended"))
    result = run_snakemake(
        folder, "recommend", configfiles=files_of_one_more(tiny, recipes_run, folder)
    )
    assert result.returncode == 0, result.stdout
    (folder / "output.txt").write_text(result.stdout)
    return folder


def test_it_is_the_last_row_with_its_reason_and_no_figures(recommended):
    table = pd.read_csv(recommended / "results/sweep.csv").set_index("recipe")
    assert sorted(table.index) == ["auto", "gptq", "int8", "lost", "u8s8"]
    assert table.index[-1] == "lost"
    lost = table.loc["lost"]
    assert lost["reason"].startswith(REASON)
    assert lost.drop("reason").isna().all()
    others = table.drop(index="lost")
    assert others["reason"].isna().all() and others["speedup"].notna().all()
    assert REASON.split(":")[0] in (recommended / "results/sweep.html").read_text()
    # Whole numbers stay whole beside the empty row.
    assert ",60," in (recommended / "results/sweep.csv").read_text().splitlines()[1]
    assert (recommended / "results/figures/sweep.svg").stat().st_size > 1000


def test_the_recommendation_is_one_of_the_others_and_names_it(recommended):
    content = json.loads((recommended / "results/recommendation.json").read_text())
    selection = json.loads((recommended / "results/sweep/selection.json").read_text())
    tries = pd.read_csv(recommended / "results/mixed_precision.csv")["tries"].iloc[-1]
    assert content["recipe"] in {"gptq", "int8", "u8s8", "auto"}
    assert (content["recipes"], content["tried"]) == (5, 3 + tries)
    for found in (content, selection):
        ((name, reason),) = [(row["recipe"], row["reason"]) for row in found["not_made"]]
        assert name == "lost" and reason.startswith(REASON)
    sentence = f"1 of 5 recipes could not be made: lost ({REASON}"
    assert "Of 5 recipes, 4 " in content["reason"] and sentence in content["reason"]
    assert sentence in (recommended / "results/recommendation.md").read_text()
    assert sentence in (recommended / "output.txt").read_text()


def test_its_files_are_markers_and_its_failure_is_one_line(recommended):
    for name in OF_LOST:
        assert read_not_made(recommended / "results/sweep" / name).startswith(REASON)
    output = (recommended / "output.txt").read_text()
    assert output.count(f"not made: quantize_recipe: {REASON}") == 1
    assert "not made: time_recipes" not in output and "error: " not in output
    log = (recommended / "results/logs/quantize_recipe/lost.log").read_text()
    assert "Traceback" in log


def test_a_second_run_does_nothing(tiny, recipes_run, recommended):
    result = run_snakemake(
        recommended, "recommend", configfiles=files_of_one_more(tiny, recipes_run, recommended)
    )
    assert result.returncode == 0 and "Nothing to be done" in result.stdout


@pytest.mark.slow  # another sweep; test_sweep.py has the line of the function
def test_where_none_can_be_made_the_first_reason_ends_the_run(tiny, tmp_path):
    configfiles = files(tiny, tmp_path, {"lost": LOST, "uint8": {**LOST, "dtype": "uint8"}})
    result = run_snakemake(tmp_path, "recommend", configfiles=configfiles)
    assert result.returncode != 0
    lines = {line for line in result.stdout.splitlines() if line.startswith("error: ")}
    (line,) = lines
    prefix = "error: gather_sweep: sweep.recipes: none of 3 recipes could be made; lost: "
    assert line.startswith(f"{prefix}{REASON}")
    assert not (tmp_path / "results/sweep.csv").exists()


@pytest.mark.slow  # another search; markers in rules that do not take them are tested in test_job
def test_nodes_of_a_recipe_that_cannot_be_made_have_no_figure(tiny, tmp_path):
    configfiles = files(tiny, tmp_path, {"lost": LOST})
    result = run_snakemake(tmp_path, "sensitivity", configfiles=configfiles)
    assert result.returncode != 0
    assert f"error: plot_sensitivity: {REASON}" in result.stdout
    assert not (tmp_path / "results/figures/sensitivity.svg").exists()


def test_a_dtype_that_needs_what_could_not_be_made_ends_the_run(tiny, tiny_run, tmp_path):
    """The folded model serves recipes and dtypes; of recipes that use it, none is made."""
    folder = copy_run(tiny_run, tmp_path / "run")
    write_not_made(folder / "results/models/preprocessed.onnx", "it cannot be folded; export it")
    given = {"dtype": "int8", "preprocess": False}
    folded = {"folded": {"dtype": "int8", "preprocess": True}, "int8": given}
    targets = [f"results/sweep/{name}_eval.json" for name in folded]
    result = run_snakemake(folder, *targets, configfiles=files(tiny, folder, folded))
    assert result.returncode == 0, result.stdout
    reasons = [read_not_made(folder / target) for target in targets]
    assert reasons == ["it cannot be folded; export it", None]

    configfiles = files(tiny, folder, folded, quantization={"preprocess": True})
    result = run_snakemake(folder, "results/int8_eval.json", configfiles=configfiles)
    assert result.returncode != 0
    assert "error: calibrate: it cannot be folded; export it" in result.stdout
