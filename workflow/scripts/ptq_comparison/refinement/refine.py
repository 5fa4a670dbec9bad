"""Change weights and biases before quantization, so that it costs less accuracy."""

from pathlib import Path
from typing import Any

import onnx

from ptq_comparison.config.recipes import quantization_options
from ptq_comparison.inference.batches import Batches
from ptq_comparison.quantization.quantize import quantize_model
from ptq_comparison.refinement.bias_correction import correct_biases
from ptq_comparison.refinement.gptq import round_weights
from ptq_comparison.refinement.weight_clipping import clip_weights

REFINEMENT_IMAGE_COUNT = 256  # calibration images, about


def refine(
    model: onnx.ModelProto, ranges_path: Path, recipe: dict[str, Any], batches: Batches
) -> onnx.ModelProto:
    """Return the float32 model with weights and biases as a recipe asks for.

    `ranges_path` holds the ranges that the model is quantized with next; `batches` are calibration
    images. Clipping comes first, since it moves the levels that weights are rounded to; biases come
    last, since they make up for what rounding leaves.
    """
    options = quantization_options(recipe)
    refined = model

    def quantize(given: onnx.ModelProto, **changes: str) -> onnx.ModelProto:
        asked = {**options, **changes}
        return quantize_model(given, ranges_path, asked).model

    def quantize_in_pairs(given: onnx.ModelProto) -> onnx.ModelProto:
        # Around float operators, between which errors can be looked at.
        return quantize(given, format="QDQ")

    if recipe["weight_ranges"] == "MSE":
        refined = clip_weights(refined, options)
    if recipe["rounding"] == "GPTQ":
        refined = round_weights(refined, quantize(refined), batches)
    if recipe["bias_correction"]:
        refined = correct_biases(refined, quantize_in_pairs, batches, reference=model)
    return refined
