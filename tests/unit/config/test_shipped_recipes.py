"""The recipes of this repository, all quantized, whatever the configuration says."""

from pathlib import Path

import onnx
import pytest
import yaml
from helpers import RAW, REPOSITORY, make_classifier, make_images
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.config.recipe_lists import expand_recipes
from ptq_comparison.config.recipes import (
    calibration_name,
    calibration_options,
    complete_recipes,
    equal_recipes,
    quantization_options,
    recipe_conflicts,
    same_graphs,
    type_errors,
)
from ptq_comparison.config.schema import load_schema
from ptq_comparison.config.validation import config_errors
from ptq_comparison.config.yaml_file import read_yaml
from ptq_comparison.datasets.readers import KINDS
from ptq_comparison.inference.batches import Batches
from ptq_comparison.preparation.folding import preprocess_model
from ptq_comparison.quantization.quantize import check_recipe, quantize
from ptq_comparison.refinement.refine import refine
from tqdm import tqdm

SCHEMA = load_schema(REPOSITORY / "workflow/schemas/recipes.schema.yaml", dataset_kinds=KINDS)
SHIPPED = expand_recipes(read_yaml(REPOSITORY / "config/recipes.yaml")["recipes"])
CONFIGURATIONS = {
    "default": {},
    "preprocess": {"quantization": {"preprocess": True}},
    "reduce_range": {"quantization": {"reduce_range": True}},
    "per_channel": {"quantization": {"per_channel": True}},
    "QOperator": {"quantization": {"format": "QOperator"}},
    "method": {"calibration": {"method": "Percentile", "num_quantized_bins": 512}},
}


def complete(name="default", *files):
    """Return the recipes, complete with the default and with `files` merged over it."""
    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    merged = [yaml.safe_load((REPOSITORY / f"config/{file}.yaml").read_text()) for file in files]
    for content in (*merged, CONFIGURATIONS[name]):
        for section, changes in content.items():
            config[section].update(changes)
    return complete_recipes(SHIPPED, config)


def test_they_are_sound_many_and_share():
    assert config_errors({"recipes": SHIPPED}, SCHEMA) == []
    assert list(type_errors(SHIPPED)) == []
    recipes = complete()
    assert len({calibration_name(recipe) for recipe in recipes.values()}) <= len(recipes) / 4
    assert len(set(same_graphs(recipes).values())) <= len(recipes) / 2


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_they_are_the_same_50_whatever_the_configuration_says(name):
    recipes = complete(name)
    assert len(set(equal_recipes(recipes).values())) == len(recipes) >= 50
    assert recipes == complete()
    assert list(recipe_conflicts(recipes)) == []


@pytest.fixture(scope="module")
def ranges(tmp_path_factory):
    """A function from a recipe to its float32 model, batches and file of ranges."""
    folder = tmp_path_factory.mktemp("ranges")
    given = make_classifier()
    images, _ = make_images(30, seed=1)
    made = {}
    for preprocess, model in ((False, given), (True, preprocess_model(given))):
        made[preprocess] = (model, Batches.of(images, model, RAW, 16))

    def get(recipe) -> tuple[onnx.ModelProto, Batches, Path]:
        model, batches = made[recipe["preprocess"]]
        path = folder / f"{calibration_name(recipe)}.json"
        if not path.exists():
            options = calibration_options(recipe)["options"]
            own = {key: value for key, value in options.items() if key != "samples_per_class"}
            found = calibrate(model, batches, recipe["method"], own, tqdm(disable=True))
            write_ranges(path, found, {})
        return model, batches, path

    return get


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_all_can_be_quantized(ranges, tmp_path, name):
    """But for Entropy, whose ranges take long."""
    recipes = {
        key: recipe for key, recipe in complete(name).items() if recipe["method"] != "Entropy"
    }
    assert len(recipes) >= 40
    for recipe_name, recipe in recipes.items():
        model, batches, path = ranges(recipe)
        options = quantization_options(recipe)
        check_recipe(model, f"recipes.{recipe_name}", options)
        quantize(
            refine(model, path, recipe, batches),
            path,
            tmp_path / f"{recipe_name}.onnx",
            tmp_path / f"{recipe_name}.json",
            {"method": recipe["method"]},
            batches,
            **options,
        )
    assert len(list(tmp_path.glob("*.onnx"))) == len(recipes)
