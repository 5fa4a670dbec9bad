"""Recipes in plain words: different options, different words."""

import itertools

import pytest
import yaml
from helpers import REPOSITORY
from ptq_comparison.config.recipe_lists import expand_recipes
from ptq_comparison.config.recipes import complete_recipes
from ptq_comparison.config.schema import load_schema
from ptq_comparison.datasets.readers import KINDS
from ptq_comparison.report.plain_words import plain_words

CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
SCHEMA = REPOSITORY / "workflow/schemas/recipes.schema.yaml"
SHIPPED = yaml.safe_load((REPOSITORY / "config/recipes.yaml").read_text())["recipes"]
RECIPES_SCHEMA = load_schema(SCHEMA, dataset_kinds=KINDS).schema["properties"]["recipes"]
RECIPE_KEYS = RECIPES_SCHEMA["additionalProperties"]["properties"]
CONFIG_SCHEMA = load_schema(SCHEMA.with_name("config.schema.yaml"), dataset_kinds=KINDS).schema
EXTRA_OPTIONS = CONFIG_SCHEMA["properties"]["quantization"]["properties"]["extra_options"]
ACTIVATION_TYPES = CONFIG_SCHEMA["$defs"]["activation_type"]["enum"]
METHODS = CONFIG_SCHEMA["properties"]["calibration"]["properties"]["method"]["enum"]
# Values of each key of a recipe, between any two of which the words have to tell.
VALUES = {
    "activation_type": ACTIVATION_TYPES,
    "weight_type": CONFIG_SCHEMA["$defs"]["weight_type"]["enum"],
    "tensor_types": [
        {},
        *({name: kind} for name in ("input", "conv_out") for kind in ACTIVATION_TYPES),
        {"input": "QUInt16", "conv_out": "QInt8"},
    ],
    "input_type": CONFIG_SCHEMA["properties"]["model"]["properties"]["input_type"]["enum"],
    "per_channel": [False, True],
    "reduce_range": [False, True],
    "format": CONFIG_SCHEMA["properties"]["quantization"]["properties"]["format"]["enum"],
    "preprocess": [False, True],
    "float_nodes": [[], ["pools"], ["first_conv", "classifier"], ["gates"]],
    "nodes_to_exclude": [[], ["conv1"], ["fc"], ["conv1", "fc"], ["a", "b", "c"]],
    "op_types_to_quantize": [[], ["Conv"], ["MatMul"], ["Conv", "Gemm"]],
    "extra_options": [
        {},
        *({key: value} for key in EXTRA_OPTIONS["properties"] for value in (False, True)),
        dict.fromkeys(EXTRA_OPTIONS["properties"], True),
    ],
    "equalization": CONFIG_SCHEMA["properties"]["quantization"]["properties"]["equalization"][
        "enum"
    ],
    "method": METHODS,
    "percentile": [99, 99.9, 99.99],
    "num_bins": [512, 2048],
    "num_quantized_bins": [64, 128],
    "samples_per_class": [None, 5, 20],
    "weight_ranges": CONFIG_SCHEMA["$defs"]["weight_ranges"]["enum"],
    "rounding": CONFIG_SCHEMA["$defs"]["rounding"]["enum"],
    "bias_correction": [False, True],
}


def complete(**recipe):
    given = {"activation_type": "QUInt8", "weight_type": "QInt8", "per_channel": True, **recipe}
    return complete_recipes({"own": given}, CONFIG)["own"]


def test_each_shipped_recipe_has_words_of_its_own():
    recipes = complete_recipes(expand_recipes(SHIPPED), CONFIG)
    words = {name: plain_words(recipe) for name, recipe in recipes.items()}
    assert len(words) >= 50
    assert len(set(words.values())) == len(words)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("key", VALUES)
def test_two_values_of_a_key_have_different_words(key, method):
    """Unless the method does not look at the key, so that the complete recipes are the same."""
    recipes = [complete(**{"method": method, key: value}) for value in VALUES[key]]
    for one, other in itertools.combinations(recipes, 2):
        assert (plain_words(one) == plain_words(other)) == (one == other), (one, other)


def test_every_key_of_a_recipe_is_tried():
    assert VALUES.keys() == RECIPE_KEYS.keys() - {"dtype"}


def test_the_words_are_those_of_the_field():
    recipe = complete(
        reduce_range=True, format="QOperator", rounding="GPTQ", bias_correction=True, dtype="u8s8"
    )
    assert plain_words(recipe, images=512) == (
        "batch normalization folded, unsigned activations, signed 7-bit weights per channel, "
        "MinMax ranges of 512 images, GPTQ rounding, bias correction, integer operators (QOperator)"
    )


def test_types_of_16_bits_and_few_images_are_told():
    recipe = complete(
        activation_type="QInt16",
        tensor_types={"input": "QUInt16", "add": "QUInt8"},
        per_channel=False,
        preprocess=False,
        method="Percentile",
        percentile=99.99,
        samples_per_class=5,
    )
    assert plain_words(recipe) == (
        "graph as given, signed 16-bit activations, the input in unsigned 16-bit, tensor add in "
        "unsigned 8-bit, signed 8-bit weights per tensor, Percentile ranges (99.99 %, 2048 bins) "
        "of 5 images a class, pairs of QuantizeLinear and DequantizeLinear (QDQ)"
    )
    assert "ranges (99.99 %, 2048 bins) of 50 images, 5 a class" in plain_words(recipe, images=50)


def test_nodes_in_float32_are_named_and_told_from_those_that_had_to_stay():
    recipe = complete(nodes_to_exclude=["conv1", "fc"])
    assert plain_words(recipe).endswith("(QDQ), nodes conv1 and fc in float32")
    assert plain_words(recipe, kept=["fc", "relu"]).endswith(
        "nodes conv1 and fc in float32, node relu in float32 (cannot be quantized)"
    )


def test_of_many_nodes_some_are_named():
    recipe = complete(nodes_to_exclude=[f"conv{number}" for number in range(30)])
    assert plain_words(recipe, most_names=3).endswith(
        "nodes conv0, conv1, conv2 and 27 more in float32"
    )
    assert "conv29" in plain_words(recipe)


def test_an_odd_name_stays_in_the_line():
    assert "\n" not in plain_words(complete(nodes_to_exclude=["a\nb"]))
