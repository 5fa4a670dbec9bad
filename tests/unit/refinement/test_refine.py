"""A recipe's refinements, in their order, before the one quantization that is checked."""

import pytest
import yaml
from helpers import RAW, REPOSITORY, Quantizer, make_classifier, make_images
from ptq_comparison.config.recipes import complete_recipes
from ptq_comparison.inference.batches import Batches
from ptq_comparison.refinement.bias_correction import correct_biases
from ptq_comparison.refinement.gptq import round_weights
from ptq_comparison.refinement.refine import refine
from ptq_comparison.refinement.weight_clipping import clip_weights

CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())


@pytest.fixture
def given(tmp_path):
    model = make_classifier()
    batches = Batches.of(make_images(40, seed=0)[0], model, RAW, 10)
    quantize = Quantizer(
        model, batches, tmp_path, weight_type="QInt8", per_channel=True, reduce_range=True
    )
    return model, batches, quantize, tmp_path / "ranges.json"


def make_recipe(**refinements):
    recipe = {"dtype": "u8s8", "per_channel": True, "reduce_range": True, **refinements}
    return complete_recipes({"a": recipe}, CONFIG)["a"]


def test_nothing_asked_changes_nothing(given):
    model, batches, _, ranges = given
    assert refine(model, ranges, make_recipe(), batches) is model


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_clipping_then_rounding_then_biases(given, form):
    model, batches, quantize, ranges = given
    recipe = make_recipe(weight_ranges="MSE", rounding="GPTQ", bias_correction=True, format=form)
    expected = clip_weights(model, {**quantize.options, "format": form})
    expected = round_weights(expected, quantize(expected), batches)
    expected = correct_biases(expected, quantize, batches, reference=model)
    found = refine(model, ranges, recipe, batches)
    assert found.SerializeToString() == expected.SerializeToString()
    assert found.SerializeToString() != model.SerializeToString()
