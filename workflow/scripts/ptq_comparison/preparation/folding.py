"""Batch normalization folded by onnxruntime's quant_pre_process, and by our own rules.

Those fold what it leaves, and all where it fails.
"""

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.preparation.own_folding import fold_affine
from ptq_comparison.preparation.quantizable_form import quantizable_form
from ptq_comparison.preparation.same_predictions import check_same_predictions


def fold_model(
    model: onnx.ModelProto, images: np.ndarray, preprocessing: dict[str, Any]
) -> tuple[onnx.ModelProto, list[str]]:
    """Return the model with shapes inferred and batch normalization folded, and what else changed.

    The predictions on some of the images, uint8 (N, H, W, C), are the same. Where onnxruntime
    fails, or its result cannot be quantized, only our own rules fold. Raises UserError where their
    result differs.
    """
    try:
        return _checked(model, preprocess_model(model), images, preprocessing)
    except UserError as error:
        logging.warning("folding by our own rules alone: %s", error)
    return _checked(model, onnx.shape_inference.infer_shapes(model), images, preprocessing)


def _checked(
    model: onnx.ModelProto,
    given: onnx.ModelProto,
    images: np.ndarray,
    preprocessing: dict[str, Any],
) -> tuple[onnx.ModelProto, list[str]]:
    folded, into = fold_affine(given)
    if into:
        logging.info("folded by our own rules: %s", ", ".join(into))
    # What is put together may again not be in a form for the quantizer.
    folded, changes = quantizable_form(folded)
    difference = check_same_predictions(model, folded, images, preprocessing)
    logging.info("predictions are the same, scores within %.2g", difference)
    return folded, changes


def preprocess_model(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with shapes inferred and batch normalization folded by onnxruntime.

    Raises UserError where onnxruntime fails over the model.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # Given a loaded model, quant_pre_process moves its weights to a file that it fails to find
        # again (seen with onnxruntime 1.32 on ResNet8): a private copy avoids that.
        private, folded = Path(scratch) / "model.onnx", Path(scratch) / "folded.onnx"
        onnx.save(model, private)
        try:
            # Symbolic shape inference needs sympy and serves transformers, not image classifiers.
            quant_pre_process(private, folded, skip_symbolic_shape=True)
            return onnx.load(folded)
        except Exception as error:  # onnxruntime's exceptions have no common base but this
            raise UserError(
                f"onnxruntime's quant_pre_process fails over the model ({first_line(error)})"
            ) from error
