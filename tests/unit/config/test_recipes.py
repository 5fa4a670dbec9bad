"""Recipes: expanded, completed with the configuration, and grouped by what they share."""

import re
import time

import pytest
import yaml
from helpers import REPOSITORY
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.recipe_lists import MAX_RECIPES, expand_recipes
from ptq_comparison.config.recipes import (
    calibration_name,
    check_mixed,
    complete_recipes,
    configured_recipes,
    equal_recipes,
    quantization_options,
    recipe_conflicts,
    same_graphs,
    type_errors,
)
from ptq_comparison.config.schema import load_schema
from ptq_comparison.config.validation import config_errors
from ptq_comparison.datasets.readers import KINDS

CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
SCHEMA = load_schema(REPOSITORY / "workflow/schemas/recipes.schema.yaml", dataset_kinds=KINDS)


def complete(recipes, **calibration):
    config = {**CONFIG, "calibration": {**CONFIG["calibration"], **calibration}}
    return complete_recipes(expand_recipes(recipes), config)


def test_lists_expand_to_the_product_with_the_values_in_the_names():
    recipes = expand_recipes(
        {"a": {"dtype": "int8", "reduce_range": [False, True], "percentile": [99, 99.9]}, "b": {}}
    )
    assert list(recipes) == [
        "a_no_reduce_range_99",
        "a_no_reduce_range_99.9",
        "a_reduce_range_99",
        "a_reduce_range_99.9",
        "b",
    ]
    assert recipes["a_reduce_range_99"] == {
        "dtype": "int8",
        "reduce_range": True,
        "percentile": 99,
    }


def test_lists_of_names_are_no_grid():
    recipes = expand_recipes({"a": {"dtype": "int8", "nodes_to_exclude": ["x", "y"]}})
    assert recipes == {"a": {"dtype": "int8", "nodes_to_exclude": ["x", "y"]}}


def test_two_recipes_of_one_name_are_refused():
    with pytest.raises(UserError, match="'a_QDQ' once more"):
        expand_recipes({"a": {"format": ["QDQ"]}, "a_QDQ": {}})


def test_what_a_recipe_does_not_name_is_that_of_the_configuration():
    config = {**CONFIG, "calibration": {**CONFIG["calibration"], "method": "Percentile"}}
    (recipe,) = complete_recipes({"a": {"dtype": "u8s8"}}, config).values()
    assert recipe["method"] == "Percentile"
    assert recipe["percentile"] == 99.999
    assert "num_quantized_bins" not in recipe  # Percentile does not look at it
    options = quantization_options(recipe)
    assert (options["activation_type"], options["weight_type"]) == ("QUInt8", "QInt8")
    assert options["format"] == "QDQ"


def test_images_are_at_most_those_that_calibrate_and_what_then_repeats_is_found():
    recipes = complete(
        {
            "a": {"dtype": "int8"},
            "few": {"dtype": "int8", "samples_per_class": 20},
            "many": {"dtype": "int8", "samples_per_class": 500},
            "same": {"activation_type": "QInt8", "weight_type": "QInt8"},
        },
        samples_per_class=100,
    )
    assert equal_recipes(recipes) == {"a": "a", "few": "few", "many": "a", "same": "a"}
    assert recipes["a"]["samples_per_class"] == 100


def test_a_total_of_images_limits_no_recipe():
    recipes = complete({"a": {"dtype": "int8"}, "few": {"dtype": "int8", "samples_per_class": 20}})
    assert recipes["a"]["samples_per_class"] is None  # all that there are
    assert recipes["few"]["samples_per_class"] == 20


def test_calibrations_are_shared_where_ranges_are_the_same():
    recipes = complete(
        {
            "a": {"dtype": "int8"},
            "b": {"dtype": "uint8", "per_channel": True, "rounding": "GPTQ"},
            "given": {"dtype": "int8", "preprocess": False},
            "few": {"dtype": "int8", "samples_per_class": 20},
            "cut": {"dtype": "int8", "method": "Percentile", "percentile": [99.9, 99.99]},
            "equal": {"dtype": "int8", "equalization": ["cross_layer", "smooth"]},
        }
    )
    names = {name: calibration_name(recipe) for name, recipe in recipes.items()}
    assert names["a"] == names["b"] == "MinMax-all-folded"
    assert len(set(names.values())) == 7


def test_models_that_differ_in_numbers_alone_are_timed_once():
    recipes = complete(
        {
            "a": {"dtype": "int8", "method": ["MinMax", "MSE"], "rounding": ["nearest", "GPTQ"]},
            "b": {"dtype": "int8", "per_channel": False},
            "c": {"dtype": "int8", "per_channel": False, "samples_per_class": 5},
        }
    )
    graphs = same_graphs(recipes)
    assert set(graphs.values()) == {"a_MinMax_nearest", "b"}
    assert graphs["c"] == "b"
    assert graphs["a_MSE_GPTQ"] == "a_MinMax_nearest"


def test_scales_by_channel_are_the_default_where_onnxruntime_stores_what_is_asked_for():
    recipes = complete(
        {
            "a": {"dtype": ["int8", "uint8", "u8s8"], "format": ["QDQ", "QOperator"]},
            "b": {"dtype": "uint8", "format": "QOperator", "per_channel": True},
            "c": {"dtype": "int8", "per_channel": False},
        }
    )
    by_tensor = [name for name, recipe in recipes.items() if not recipe["per_channel"]]
    assert by_tensor == ["a_uint8_QOperator", "c"]


def test_conflicts_are_named():
    recipes = complete(
        {
            "a": {"activation_type": "QUInt16", "weight_type": "QInt8", "format": "QOperator"},
            "b": {"dtype": "int8", "method": "Entropy", "num_bins": 128},
            "c": {"dtype": "int8"},
            "d": {"dtype": "int8", "equalization": "smooth", "preprocess": False},
        }
    )
    first, second, third = recipe_conflicts(recipes)
    assert first.startswith("recipes.a.format: QOperator")
    assert second.startswith("recipes.b.num_bins: 128")
    assert third.startswith("recipes.d.equalization: needs")


def test_types_are_given_once():
    recipes = {"none": {}, "half": {"weight_type": "QInt8"}, "good": {"dtype": "int8"}}
    lines = list(type_errors(recipes))
    assert [line.split(":")[0] for line in lines] == ["recipes.none", "recipes.half"]


def test_a_mistake_names_recipe_key_and_what_is_allowed():
    recipes = expand_recipes({"a": {"dtype": ["int8", "int4"], "methd": "MinMax"}})
    lines = config_errors({"recipes": recipes}, SCHEMA)
    assert "recipes.a_int4.dtype: 'int4' is not allowed; allowed: int8, uint8, u8s8" in lines
    assert any("recipes.a_int8.methd: unknown key; did you mean 'method'?" in x for x in lines)


SHARED_MISTAKES = [  # keys that recipes share with the configuration
    ({"num_bins": 1}, "num_bins: 1 is less than the minimum of 2"),
    ({"method": "MinMx"}, "method: 'MinMx' is not allowed; allowed: MinMax, Percentile, Entropy"),
    ({"method": "Distribution"}, "method: Distribution is refused: it serves 8-bit floats"),
    ({"per_channel": "yes"}, "per_channel: 'yes' is of the wrong type; allowed: boolean"),
    ({"tensor_types": {"input": "QUInt4"}}, "input: 'QUInt4' is not allowed; allowed: QInt8, QU"),
    (
        {"extra_options": {"ActivationSymetric": True}},
        "extra_options.ActivationSymetric: unknown key; did you mean 'ActivationSymmetric'?",
    ),
    (
        {"extra_options": {"CalibTensorRangeSymmetric": True}},
        "extra_options.CalibTensorRangeSymmetric: refused: with it the ReLUs",
    ),
]


@pytest.mark.parametrize(("options", "message"), SHARED_MISTAKES)
def test_a_mistake_in_a_shared_key_is_one_line_as_in_the_configuration(options, message):
    (line,) = config_errors({"recipes": {"a": {"dtype": "int8", **options}}}, SCHEMA)
    assert line.startswith("recipes.a.") and message in line and "\n" not in line


def test_a_name_that_stands_for_something_else_is_taken():
    (line,) = config_errors({"recipes": {"auto": {"dtype": "int8"}}}, SCHEMA)
    assert line == "recipes: 'auto' is taken; choose another name"


def test_a_list_without_values_is_refused():
    with pytest.raises(UserError, match=r"recipes\.a\.method: \[\] has no value; give one"):
        expand_recipes({"a": {"dtype": "int8", "method": []}, "b": {"dtype": "int8"}})


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("a", "there is no recipe 'a'; there is for example 'a_MinMax', 'a_MSE'; null"),
        ("a_minmax", "there is no recipe 'a_minmax'; there is for example 'a_MinMax'"),
        ("zzz", "there is for example 'a_MinMax', 'a_MSE', 'gptq'; null stands for the best one"),
    ],
)
def test_a_recipe_that_is_not_there_is_named(asked, line):
    recipes = complete(
        {
            "a": {"dtype": "int8", "method": ["MinMax", "MSE"]},
            "gptq": {"dtype": "int8", "rounding": "GPTQ"},
        }
    )
    with pytest.raises(UserError, match=re.escape(line)) as error:
        check_mixed(asked, recipes)
    assert str(error.value).startswith("sensitivity.recipe: ")
    check_mixed("gptq", recipes)
    check_mixed(None, recipes)


def test_extra_dtypes_take_over_what_they_do_not_set():
    quantization = {
        **CONFIG["quantization"],
        "per_channel": True,
        "dtypes": ["int8"],
        "extra_dtypes": {
            "reduced": {
                "activation_type": "QUInt8",
                "weight_type": "QInt8",
                "reduce_range": True,
            }
        },
    }
    models = configured_recipes({**CONFIG, "quantization": quantization})
    assert list(models) == ["int8", "reduced"]
    assert models["int8"]["reduce_range"] is False
    reduced = models["reduced"]
    assert reduced["per_channel"] and reduced["reduce_range"]
    assert reduced["activation_type"] == "QUInt8"


def test_recipes_are_counted_before_they_are_made():
    grid = {f"key{n}": list(range(100)) for n in range(5)}
    begin = time.process_time()
    with pytest.raises(
        UserError, match=r"recipes\.b: its lists bring the recipes to 10,000,000,001"
    ):
        expand_recipes({"a": {}, "b": grid})
    assert time.process_time() - begin < 1
    with pytest.raises(UserError, match=r"to \d[\d,]{28}…; at most 1,000 are") as error:
        expand_recipes({"a": {f"key{n}": [1, 2, 3] for n in range(4000)}})
    assert len(str(error.value)) < 400
    most = {"percentile": [51 + n / 100 for n in range(MAX_RECIPES)]}
    assert len(expand_recipes({"a": most})) == MAX_RECIPES
    with pytest.raises(UserError, match=r"recipes\.b: .*1,001; at most 1,000 are allowed"):
        expand_recipes({"a": most, "b": {}})


def test_an_extra_dtype_takes_all_options_that_the_models_of_a_run_do_not_share():
    own = {
        "activation_type": "QUInt8",
        "weight_type": "QInt8",
        "format": "QOperator",
        "nodes_to_exclude": ["conv"],
        "extra_options": {"ActivationSymmetric": True},
        "weight_ranges": "MSE",
        "rounding": "GPTQ",
        "bias_correction": True,
    }
    config = {**CONFIG, "quantization": {**CONFIG["quantization"], "extra_dtypes": {"a.b": own}}}
    schema = load_schema(REPOSITORY / "workflow/schemas/config.schema.yaml", dataset_kinds=KINDS)
    assert config_errors(config, schema) == []
    model = configured_recipes(config)["a.b"]
    assert {key: model[key] for key in own} == own
    assert model["method"] == CONFIG["calibration"]["method"]
    own["method"] = "MSE"  # of calibration, which is one for all
    assert "extra_dtypes.a.b.method: unknown key" in config_errors(config, schema)[0]
