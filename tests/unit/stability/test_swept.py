"""Recipes that are read back from the models of a sweep."""

import json

import onnx
import pytest
import yaml
from helpers import REPOSITORY, make_classifier
from ptq_comparison.common.files import sha256_file
from ptq_comparison.config.recipe_lists import expand_recipes
from ptq_comparison.config.recipes import (
    REFINEMENTS,
    calibration_name,
    calibration_options,
    complete_recipes,
    quantization_options,
)
from ptq_comparison.model.metadata import write_metadata
from ptq_comparison.stability.swept import recipe_of, selected_recipes

CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
SHIPPED = complete_recipes(
    expand_recipes(yaml.safe_load((REPOSITORY / "config/recipes.yaml").read_text())["recipes"]),
    CONFIG,
)


def provenance_of(recipe, model_sha256="0"):
    """Return what a model made by a recipe has in its metadata, as far as it tells the recipe."""
    return {
        "model_sha256": model_sha256,
        "method": recipe["method"],
        "options": calibration_options(recipe)["options"],
        "refinements": {key: recipe[key] for key in REFINEMENTS},
        "quantization": quantization_options(recipe),
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_is_read_back_whole(name):
    recipe = SHIPPED[name]
    float_model = "preprocessed" if recipe["preprocess"] else "fp32"
    if recipe["equalization"] != "none":
        float_model = recipe["equalization"]
    read = recipe_of(json.loads(json.dumps(provenance_of(recipe))), float_model)
    assert read == {**recipe, "float_nodes": []}  # by name in what it excludes
    assert calibration_name(read) == calibration_name(recipe)
    # In the same order, which the bytes of the metadata follow.
    assert list(quantization_options(read)) == list(quantization_options(recipe))


@pytest.fixture
def swept(tmp_path):
    """Paths of three quantized models and of the two float32 models that they start from."""
    floats = []
    for name, text in (("fp32", "given"), ("preprocessed", "folded")):
        model = make_classifier()
        model.doc_string = text
        onnx.save(model, tmp_path / f"{name}.onnx")
        floats.append(tmp_path / f"{name}.onnx")
    models = []
    for name, start in (("auto", 0), ("gptq", 1), ("plain", 1)):
        model = make_classifier()
        recipe = {**SHIPPED["int8"], "preprocess": bool(start), "nodes_to_exclude": [name]}
        write_metadata(model, provenance_of(recipe, sha256_file(floats[start])))
        models.append(tmp_path / f"{name}.onnx")
        onnx.save(model, models[-1])
    return models, floats


def test_the_recommended_recipe_comes_first_and_equals_follow(swept):
    selection = {"recipe": "gptq", "not_worse": ["plain", "auto"]}
    tried = selected_recipes(selection, *swept, 3)
    assert [each.model for each in tried] == ["recommended", "sweep/plain", "sweep/auto"]
    assert [each.name for each in tried] == ["gptq", "plain", "auto"]
    assert [each.float_model.stem for each in tried] == ["preprocessed", "preprocessed", "fp32"]
    assert [each.recipe["preprocess"] for each in tried] == [True, True, False]
    # What a search has left in float32 stays there.
    assert [each.recipe["nodes_to_exclude"] for each in tried] == [["gptq"], ["plain"], ["auto"]]


@pytest.mark.parametrize(("count", "names"), [(1, ["gptq"]), (2, ["gptq", "plain"])])
def test_no_more_are_tried_than_asked_for(swept, count, names):
    selection = {"recipe": "gptq", "not_worse": ["plain", "auto"]}
    assert [each.name for each in selected_recipes(selection, *swept, count)] == names
