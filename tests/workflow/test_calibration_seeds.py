"""The target `calibration_seeds`: the models of a run again, with other draws of images."""

import csv
import json
from xml.etree import ElementTree

import pytest
from helpers import overlay, recipe_files, run_snakemake
from helpers.shared_runs import copy_run
from ptq_comparison.common.files import sha256_file

PUBLISHED = {
    "source": "a paper",
    "images": 10000,
    "models": {
        "fp32": {"top1": 0.9, "size": "1K", "nodes": None},
        "int8": {"top1": 0.88, "size": "1K", "nodes": 9},
    },
}
TARGETS = ("calibration_seeds", "results/reproduction.md")


def configure(folder, recipes_run, tiny, **calibration):
    settings = {"calibration": calibration, "baseline": {"published": PUBLISHED}}
    own = overlay(folder / "seeds.yaml", settings)
    return (tiny / "config.yaml", recipes_run / "own.yaml", own)


@pytest.fixture(scope="module")
def draws_run(recipes_run, tiny, tmp_path_factory):
    """A run of two draws behind one of `all recommend`."""
    folder = copy_run(recipes_run, tmp_path_factory.mktemp("draws"))
    files = configure(folder, recipes_run, tiny, seeds=2, seeded_recipes=3)
    result = run_snakemake(folder, *TARGETS, configfiles=files)
    assert result.returncode == 0, result.stdout
    (folder / "output.txt").write_text(result.stderr)
    return folder


def read(path):
    return json.loads(path.read_text())


def draw(folder, kind, seed):
    rows = read(folder / f"results/calibration_seeds/{kind}/{seed}.json")["models"]
    return {row["model"]: row for row in rows}


def test_the_seed_of_the_run_gives_its_own_models(draws_run):
    results = draws_run / "results"
    own = {**draw(draws_run, "configured", 42), **draw(draws_run, "recommended", 42)}
    assert {"int8", "uint8", "recommended"} <= set(own)
    for model, row in own.items():
        folder = results if model.startswith("sweep/") else results / "models"
        path = folder / f"{model.replace('sweep/', 'sweep/models/')}.onnx"
        assert row["model_sha256"] == sha256_file(path), model
    for model in ("int8", "uint8", "recommended"):
        evaluation, row = read(results / f"{model}_eval.json"), own[model]
        assert row["correct"] == evaluation["accuracy"]["correct"]
        for key in ("delta_pp", "agreement", "fixed", "broken"):
            assert row[key] == evaluation["baseline"][key], (model, key)


def test_the_recommended_recipe_and_its_equals_are_tried(draws_run):
    selection = read(draws_run / "results/sweep/selection.json")
    names = [selection["recipe"], *selection["not_worse"]][:3]
    for seed in (42, 43):
        rows = draw(draws_run, "recommended", seed)
        assert [row["recipe"] for row in rows.values()] == names
        assert list(rows) == ["recommended", *(f"sweep/{name}" for name in names[1:])]


def test_another_seed_draws_other_images(draws_run):
    contents = [
        read(draws_run / f"results/calibration_seeds/configured/{seed}.json") for seed in (42, 43)
    ]
    assert len({content["samples_sha256"] for content in contents}) == 2
    assert {(content["images"], content["pool"]) for content in contents} == {(30, 90)}
    first, second = (draw(draws_run, "configured", seed)["int8"] for seed in (42, 43))
    assert first["model_sha256"] != second["model_sha256"]


def test_tables_and_figure_hold_every_draw(draws_run):
    results = draws_run / "results"
    with (results / "calibration_seeds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    models = dict.fromkeys(row["model"] for row in rows)
    assert list(models)[:3] == ["int8", "uint8", "recommended"]
    assert [row["seed"] for row in rows] == ["42", "43"] * len(models)
    for row in rows:
        assert float(row["top1"]) == pytest.approx(int(row["correct"]) / int(row["total"]))
    page = (results / "calibration_seeds.md").read_text()
    assert page.count("\n| ") == page.count("\n## ") * (len(models) + 1) > 0
    assert (
        "(standard deviation of 2 draws)" in page
        and page.splitlines()[2] in (draws_run / "output.txt").read_text()
    )
    assert "Draws of calibration images" in (results / "calibration_seeds.html").read_text()
    svg = ElementTree.parse(results / "figures/calibration_seeds.svg").getroot()
    assert "Another draw of calibration images moves" in svg.get("aria-label")


def test_the_reproduction_has_the_draws_beside_published_figures(draws_run):
    page = (draws_run / "results/reproduction.md").read_text()
    assert "of 2 draws of 30 training images (seeds 42 to 43)" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| int8") and "of 2" in line]
    assert "-2.00" in row
    assert "another draw moves int8 by " in page


def test_one_draw_more_makes_that_one_alone(draws_run, recipes_run, tiny, tmp_path):
    copy_run(draws_run, tmp_path / "run")
    files = configure(tmp_path, recipes_run, tiny, seeds=3, seeded_recipes=3)
    result = run_snakemake(tmp_path / "run", *TARGETS, configfiles=files, options=("-n",))
    assert result.returncode == 0, result.stdout
    assert "configured/44.json" in result.stdout and "recommended/44.json" in result.stdout
    assert "configured/43.json" not in "".join(
        line for line in result.stdout.splitlines() if line.strip().startswith("output:")
    )


def test_without_recipes_no_sweep_is_needed(tiny, tmp_path):
    files = recipe_files(tmp_path, tiny, calibration={"seeds": 4, "seeded_recipes": 0})
    result = run_snakemake(tmp_path, "calibration_seeds", configfiles=files, options=("-n",))
    assert result.returncode == 0, result.stdout
    assert "evaluate_draw" in result.stdout
    for rule in ("quantize_recipe", "select_recipe", "evaluate_recommended_draw"):
        assert rule not in result.stdout


def test_one_draw_is_refused(tiny, tmp_path):
    files = recipe_files(tmp_path, tiny, calibration={"seeds": 1})
    result = run_snakemake(tmp_path, "calibration_seeds", configfiles=files)
    assert result.returncode != 0
    assert "calibration.seeds" in result.stdout.splitlines()[-1]
