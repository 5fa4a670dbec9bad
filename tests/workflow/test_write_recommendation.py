"""The recommendation in use: its Python predicts, its configuration makes the same file."""

import hashlib
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml
from helpers import CLASSES, REPOSITORY, run_snakemake
from helpers.shared_runs import copy_run
from huggingface_hub import ModelCard
from PIL import Image
from ptq_comparison.config.pinned import pin_recipe, without_secrets
from ptq_comparison.config.recipes import complete_recipes
from ptq_comparison.config.schema import fill_in_defaults, load_schema
from ptq_comparison.datasets.readers import KINDS


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(folder):
    return json.loads((folder / "results/recommendation.json").read_text())


def block(page, language):
    return re.search(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[1]


def test_the_file_is_named_with_its_sum_and_size(recipes_run):
    content, model = read(recipes_run), recipes_run / "results/models/recommended.onnx"
    assert content["model"]["sha256"] == sha256(model)
    assert content["model"]["bytes"] == model.stat().st_size
    assert "outlier in float32" in content["words"]
    check = "results/sweep/models/auto.json"
    assert content["recipe"] == "auto"
    assert sha256(recipes_run / "results/models/recommended.json") == sha256(recipes_run / check)
    for name in ("recommendation.md", "recommendation.html", "models/README.md"):
        assert content["model"]["sha256"] in (recipes_run / "results" / name).read_text()


def test_the_lines_for_the_terminal_are_few_and_short(recipes_run):
    lines = (recipes_run / "results/recommendation.txt").read_text().splitlines()
    assert lines[0] == "Recommended: auto"
    assert len(lines) <= 12 and max(map(len, lines)) <= 79
    assert any("results/models/recommended.onnx" in line for line in lines)


@pytest.mark.parametrize("name", ["recommendation.md", "models/README.md"])
def test_the_printed_python_predicts_as_the_workflow_does(recipes_run, tmp_path, name):
    """As it stands, in a folder with the model and a picture alone."""
    code = block((recipes_run / "results" / name).read_text(), "python")
    assert len([line for line in code.splitlines() if line]) <= 15
    (tmp_path / "results/models").mkdir(parents=True)
    (tmp_path / "results/models/recommended.onnx").write_bytes(
        (recipes_run / "results/models/recommended.onnx").read_bytes()
    )
    images = np.load(recipes_run / "results/dataset/test_images.npy")[:40]
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    Image.fromarray(images[0]).save(tmp_path / "image.png")
    loop = f"\nfor number in range({len(images)}):\n    print(predict(f'{{number}}.png'))\n"
    (tmp_path / "use.py").write_text(code + loop)
    done = subprocess.run(
        [sys.executable, "use.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    predicted = np.load(recipes_run / "results/predictions/recommended.npz")["predicted"][:40]
    wanted = [CLASSES[index] for index in predicted]
    assert len(set(wanted)) > 1
    assert done.stdout.splitlines() == [wanted[0], *wanted]


def test_the_configuration_that_pins_a_recipe_makes_the_same_file(recipes_run, tmp_path):
    """The recommended one, `auto`, from its file, and beside it the one with GPTQ."""
    pinned = recipes_run / "results/models/recommended.yaml"
    schema = load_schema(REPOSITORY / "workflow/schemas/config.schema.yaml", dataset_kinds=KINDS)
    defaults, config = {}, yaml.safe_load(pinned.read_text())
    fill_in_defaults(defaults, schema.schema)
    fill_in_defaults(config, schema.schema)
    recipes = yaml.safe_load((recipes_run / "recipes.yaml").read_text())["recipes"]
    recipe = complete_recipes(recipes, config)["gptq"]
    gptq = pin_recipe("gptq", recipe, without_secrets(config), defaults)
    assert gptq.notes == [] and read(recipes_run)["pinned"]["notes"] == []
    (tmp_path / "gptq.yaml").write_text(yaml.safe_dump(gptq.sections))
    result = run_snakemake(
        tmp_path,
        *(f"results/models/{name}.onnx" for name in ("auto", "gptq")),
        configfiles=(pinned, tmp_path / "gptq.yaml"),
    )
    assert result.returncode == 0, result.stdout
    for name in ("auto", "gptq"):
        made = tmp_path / f"results/models/{name}.onnx"
        assert sha256(made) == sha256(recipes_run / f"results/sweep/models/{name}.onnx")
    assert sha256(tmp_path / "results/models/auto.onnx") == read(recipes_run)["model"]["sha256"]
    # A configured dtype is the recipe of the same name.
    own, swept = (recipes_run / f"results/{path}/int8.onnx" for path in ("models", "sweep/models"))
    assert sha256(own) == sha256(swept)


def test_the_card_is_read_by_the_library_of_hugging_face(recipes_run):
    card = ModelCard.load(recipes_run / "results/models/README.md")
    evaluation = json.loads((recipes_run / "results/recommended_eval.json").read_text())
    assert card.data.model_name == "auto" and card.data.pipeline_tag == "image-classification"
    values = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert values["Top-1 accuracy"] == evaluation["accuracy"]["top1"]
    assert f"| {evaluation['model']['name']} " in card.text


def test_files_that_were_deleted_are_the_same_bytes_again(tiny, recipes_run, tmp_path):
    folder = copy_run(recipes_run, tmp_path / "run")
    names = ("models/README.md", "models/recommended.yaml", "recommendation.txt")
    before = [sha256(folder / "results" / name) for name in names]
    for name in names:
        (folder / "results" / name).unlink()
    files = (tiny / "config.yaml", recipes_run / "own.yaml")
    result = run_snakemake(folder, "results/models/README.md", configfiles=files)
    assert result.returncode == 0, result.stdout
    assert len(re.findall(r"^(?:local)?rule \w+:", result.stdout, re.MULTILINE)) == 1
    assert [sha256(folder / "results" / name) for name in names] == before
