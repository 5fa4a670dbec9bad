"""From float32 to 8 bits with onnxruntime's static quantization."""

import difflib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from ptq_comparison.dtypes import DTYPES
from ptq_comparison.errors import UserError
from ptq_comparison.files import atomic_path


def preprocess_model(model: onnx.ModelProto, output: Path) -> None:
    """Write the model with shapes inferred and batch normalization folded by onnxruntime."""
    with tempfile.TemporaryDirectory() as scratch, atomic_path(output) as temporary:
        # Given a loaded model, quant_pre_process moves its weights to a file that it fails to find
        # again (seen with onnxruntime 1.32 on ResNet8): a private copy avoids that.
        private = Path(scratch) / "model.onnx"
        onnx.save(model, private)
        # Symbolic shape inference needs sympy and serves transformers, not image classifiers.
        quant_pre_process(private, temporary, skip_symbolic_shape=True)


def quantize(
    model: onnx.ModelProto,
    ranges: Path,
    output: Path,
    *,
    dtype: str,
    method: str,
    format: str,
    per_channel: bool,
    reduce_range: bool,
    nodes_to_exclude: Sequence[str],
) -> None:
    """Write the quantized model, from ranges in the format of onnxruntime's calibration cache.

    Raises UserError when a name in `nodes_to_exclude` is not a node: onnxruntime would ignore it.
    """
    _check_nodes(model, nodes_to_exclude)
    activation_type, weight_type = DTYPES[dtype]
    with atomic_path(output) as temporary:
        quantize_static(
            model,  # given a path, onnxruntime writes a file beside it, and parallel jobs collide
            temporary,
            calibration_cache_path=ranges,
            calibrate_method=CalibrationMethod[method],
            quant_format=QuantFormat[format],
            activation_type=QuantType[activation_type],
            weight_type=QuantType[weight_type],
            per_channel=per_channel,
            reduce_range=reduce_range,
            nodes_to_exclude=list(nodes_to_exclude),
        )


def _check_nodes(model: onnx.ModelProto, names: Sequence[str]) -> None:
    known = [node.name for node in model.graph.node]
    for name in names:
        if name not in known:
            matches = difflib.get_close_matches(name, known) or known[:3]
            raise UserError(
                f"quantization.nodes_to_exclude: the model has no node {name!r}; "
                f"it has for example {', '.join(map(repr, matches))}"
            )
