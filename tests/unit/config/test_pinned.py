"""The configuration that pins a recipe makes the same complete recipe, under the same name."""

import copy

import pytest
import yaml
from helpers import REPOSITORY
from ptq_comparison.config.pinned import TAKEN, pin_recipe, without_secrets
from ptq_comparison.config.recipe_lists import expand_recipes
from ptq_comparison.config.recipes import complete_recipes, configured_recipes
from ptq_comparison.config.schema import fill_in_defaults, load_schema
from ptq_comparison.config.validation import config_conflicts, config_errors
from ptq_comparison.datasets.readers import KINDS

SCHEMA = load_schema(REPOSITORY / "workflow/schemas/config.schema.yaml", dataset_kinds=KINDS)
CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
SHIPPED = yaml.safe_load((REPOSITORY / "config/recipes.yaml").read_text())["recipes"]
RECIPES = complete_recipes(expand_recipes(SHIPPED), CONFIG)


def pin(name, recipe, config=CONFIG, **arguments):
    return pin_recipe(name, recipe, without_secrets(config), CONFIG, **arguments)


def as_run(pinned):
    """The configuration of a run with the pinned sections alone, read back from YAML."""
    config = yaml.safe_load(yaml.safe_dump(pinned.sections, sort_keys=False))
    assert config_errors(config, SCHEMA) == []
    fill_in_defaults(config, SCHEMA.schema)
    assert list(config_conflicts(config)) == []
    return config


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_is_the_same_in_a_run_of_all(name):
    recipe = RECIPES[name]
    pinned = pin(name, recipe)
    models = configured_recipes(as_run(pinned))
    assert pinned.name == name
    assert (models[name] == recipe) == (not pinned.notes)
    assert bool(pinned.notes) == (recipe["samples_per_class"] is not None)


def test_images_seed_and_options_of_the_method_are_those_of_the_run():
    config = copy.deepcopy(CONFIG)
    config["calibration"] |= {"samples": 77, "seed": 5, "num_bins": 256}
    recipe = complete_recipes({"own": {"dtype": "int8", "method": "MSE"}}, config)["own"]
    run = as_run(pin("own", recipe, config))
    assert run["calibration"] == {**config["calibration"], "method": "MSE"}
    assert configured_recipes(run)["own"] == recipe


@pytest.mark.parametrize("name", ["uint8", "own"])  # a dtype of the configuration, and an extra one
@pytest.mark.parametrize("by_default", ["float32", "uint8"])
@pytest.mark.parametrize("input_type", ["float32", "uint8"])
def test_a_recipe_keeps_its_input(name, by_default, input_type):
    config = copy.deepcopy(CONFIG)
    config["model"]["input_type"] = by_default
    given = {"dtype": "uint8", "input_type": input_type}
    recipe = complete_recipes({name: given}, config)[name]
    pinned = pin(name, recipe, config)
    assert pinned.notes == [] and configured_recipes(as_run(pinned))[name] == recipe


def test_an_equalized_model_is_that_of_the_run():
    given = {"own": {"dtype": "int8", "equalization": "smooth"}}
    recipe = complete_recipes(given, CONFIG)["own"]
    pinned = pin("own", recipe)
    assert pinned.sections["quantization"]["equalization"] == "smooth"
    assert configured_recipes(as_run(pinned))["own"] == recipe


def test_the_data_set_and_the_model_are_named():
    config = copy.deepcopy(CONFIG)
    config["dataset"] |= {"name": "image_folder", "path": "photos: #1/"}
    config["model"] |= {"source": "my model.onnx", "preset": "torchvision"}
    pinned = pin("a16", RECIPES["a16"], config)
    assert pinned.sections["dataset"] == {"name": "image_folder", "path": "photos: #1/"}
    assert pinned.sections["model"] == {"source": "my model.onnx", "preset": "torchvision"}
    assert as_run(pinned)["model"] == config["model"]


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_a_name_that_is_taken_gets_another_one_and_a_note(name):
    pinned = pin(name, RECIPES["a16"])
    assert pinned.name == f"{name}_pinned" and f"called {name}_pinned" in pinned.notes[0]
    assert f"{name}_pinned" in configured_recipes(as_run(pinned))


def test_the_names_that_are_taken_are_those_of_the_schema():
    extra = SCHEMA.schema["properties"]["quantization"]["properties"]["extra_dtypes"]
    assert set(extra["propertyNames"]["not"]["enum"]) == TAKEN


def test_a_password_in_an_address_is_left_out_and_told():
    config = copy.deepcopy(CONFIG)
    config["model"]["source"] = "https://me:secret@host/model.onnx"
    config["dataset"] |= {"name": "cifar10", "url": "https://host/data.tar.gz"}
    pinned = pin("a16", RECIPES["a16"], config)
    assert "secret" not in str(pinned)
    assert pinned.left_out == ["model.source"]
    assert pinned.sections["dataset"]["url"] == "https://host/data.tar.gz"


def test_another_opset_is_told_where_the_model_was_converted():
    recipe = RECIPES["uint8"]  # per tensor: it needs no opset of its own
    assert pin("uint8", recipe).notes == []
    assert "another opset" in pin("uint8", recipe, is_converted=True).notes[0]
    assert pin("a16", RECIPES["a16"], is_converted=True).notes == []


@pytest.mark.parametrize("node", ["a\0b/..{c}", "a\nb", "$\\frac{ |<b>,'", "é: #"])
def test_a_node_is_pinned_by_name_or_it_is_told_why_not(node):
    recipe = {**RECIPES["a16"], "nodes_to_exclude": [node]}
    pinned = pin("auto", recipe)
    config = yaml.safe_load(yaml.safe_dump(pinned.sections, sort_keys=False, allow_unicode=True))
    assert config["quantization"]["extra_dtypes"]["auto"]["nodes_to_exclude"] == [node]
    assert bool(config_errors(config, SCHEMA)) == bool(pinned.notes)
