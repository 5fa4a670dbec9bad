"""The printed call of `quantize_static` makes the same graph, or is not printed."""

import onnx
import pytest
import yaml
from helpers import RAW, REPOSITORY, make_classifier, make_images
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.config.recipes import (
    calibration_options,
    complete_recipes,
    quantization_options,
)
from ptq_comparison.inference.batches import Batches
from ptq_comparison.preparation.folding import preprocess_model
from ptq_comparison.quantization.plain_call import plain_call
from ptq_comparison.quantization.quantize import quantize
from ptq_comparison.refinement.refine import refine
from tqdm import tqdm

CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
U8S8 = {"dtype": "u8s8", "per_channel": True, "reduce_range": True}
PLAIN = {
    "uint8": {"dtype": "uint8"},
    "u8s8": {**U8S8, "format": "QOperator"},
    "mse": {"dtype": "int8", "method": "MSE", "per_channel": False},
    "percentile": {**U8S8, "method": "Percentile", "percentile": 99.9},
    "a16": {"activation_type": "QUInt16", "weight_type": "QInt8"},
    "input16": {"dtype": "int8", "tensor_types": {"input": "QUInt16"}},
    "symmetric": {"dtype": "int8", "extra_options": {"ActivationSymmetric": True}},
    "only": {"dtype": "int8", "op_types_to_quantize": ["Conv"]},
}
REFINED = {
    "gptq": {**U8S8, "rounding": "GPTQ", "format": "QOperator"},
    "bias": {**U8S8, "bias_correction": True},
}


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A function from a recipe to the complete one, and its model as the workflow makes it."""
    monkeypatch.chdir(tmp_path)
    images, _ = make_images(30, seed=1)

    def make(recipe, model=None):
        complete = complete_recipes({"own": recipe}, CONFIG)["own"]
        model = preprocess_model(model or make_classifier())
        onnx.save(model, "float.onnx")
        batches = Batches.of(images, model, RAW, 16)
        options = calibration_options(complete)["options"]
        options.pop("samples_per_class")
        found = calibrate(model, batches, complete["method"], options, tqdm(disable=True))
        path = tmp_path / "ranges.json"
        write_ranges(path, found, {})
        quantize(
            refine(model, path, complete, batches),
            path,
            tmp_path / "made.onnx",
            tmp_path / "check.json",
            {"method": complete["method"]},
            batches,
            **quantization_options(complete),
        )
        return complete, onnx.load("made.onnx")

    return make


@pytest.mark.parametrize("name", PLAIN)
def test_the_call_makes_the_same_graph(make, tmp_path, name):
    recipe, made = make(PLAIN[name])
    code = plain_call(recipe, tmp_path / "float.onnx", tmp_path / "ranges.json", made)
    assert code is not None
    assert len(code.splitlines()) <= 17
    exec(compile(code, "call.py", "exec"), {})
    assert onnx.load("quantized.onnx").graph == made.graph


@pytest.mark.parametrize("name", REFINED)
def test_no_call_makes_what_was_refined(make, tmp_path, name):
    recipe, made = make(REFINED[name])
    assert plain_call(recipe, tmp_path / "float.onnx", tmp_path / "ranges.json", made) is None
