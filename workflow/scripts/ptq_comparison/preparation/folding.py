"""Batch normalization folded by onnxruntime's quant_pre_process."""

import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process

from ptq_comparison.common.errors import UserError, first_line


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
        except Exception as error:  # onnxruntime's exceptions have no common base but this
            raise UserError(
                "quantization.preprocess: onnxruntime cannot fold the model "
                f"({first_line(error)}); set it to false"
            ) from error
        return onnx.load(folded)
