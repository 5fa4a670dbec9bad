"""Batch normalization folded by onnxruntime's quant_pre_process."""

import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process

from ptq_comparison.common.files import atomic_path


def preprocess_model(model: onnx.ModelProto, output: Path) -> None:
    """Write the model with shapes inferred and batch normalization folded by onnxruntime."""
    with tempfile.TemporaryDirectory() as scratch, atomic_path(output) as temporary:
        # Given a loaded model, quant_pre_process moves its weights to a file that it fails to find
        # again (seen with onnxruntime 1.32 on ResNet8): a private copy avoids that.
        private = Path(scratch) / "model.onnx"
        onnx.save(model, private)
        # Symbolic shape inference needs sympy and serves transformers, not image classifiers.
        quant_pre_process(private, temporary, skip_symbolic_shape=True)
