"""Quantization of a small model in one call."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from onnx import ModelProto
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.config.recipes import complete_recipes, quantization_options
from ptq_comparison.inference.batches import Batches
from ptq_comparison.quantization.operator_check import OperatorCheck, check_operators
from ptq_comparison.quantization.quantize import quantize_model
from tqdm import tqdm

from helpers.paths import REPOSITORY

# Options of quantize_model: the defaults of the configuration, with one scale for each tensor.
OPTIONS = quantization_options(
    complete_recipes(
        {"u8s8": {"dtype": "u8s8", "per_channel": False}},
        yaml.safe_load((REPOSITORY / "config/config.yaml").read_text()),
    )["u8s8"]
)


class Quantizer:
    """Quantizes a model and those like it with the ranges of its activations.

    `settings` are the options of the calibration; the others are those of `quantize_model`, where
    what is not given is onnxruntime's default.
    """

    def __init__(
        self,
        model: ModelProto,
        batches: Batches,
        folder: Path,
        method: str = "MinMax",
        settings: dict[str, Any] | None = None,
        **given: Any,
    ) -> None:
        self.options = {**OPTIONS, **given}
        self.batches = batches
        self.path = folder / "ranges.json"
        ranges = calibrate(model, batches, method, settings or {}, tqdm(disable=True))
        self.ranges = {
            name: (float(np.min(data.lowest)), float(np.max(data.highest)))
            for name, data in ranges.items()
        }
        write_ranges(self.path, ranges, {})

    def __call__(self, model: ModelProto) -> ModelProto:
        copy = ModelProto()
        copy.CopyFrom(model)
        return quantize_model(copy, self.path, self.options).model

    def check(
        self, model: ModelProto, quantized: ModelProto, batches: Batches | None = None
    ) -> OperatorCheck:
        """Compare both models operator by operator, on the calibration images if on no others."""
        return check_operators(model, quantized, self.ranges, batches or self.batches, {})
