"""Models that answer "why not just ...?": float16, and dynamic quantization to int8.

Neither needs ranges of activations. They are made with the defaults of onnxruntime, as somebody
would who asks that question.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto
from onnxruntime.quantization import quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_scores
from ptq_comparison.model.graph import copy_model, sort_nodes
from ptq_comparison.model.layers import named_constants


def to_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model in float16, whose inputs and outputs stay float32."""
    made: onnx.ModelProto = convert_float_to_float16(copy_model(model), keep_io_types=True)
    sort_nodes(made.graph)  # the casts of inputs stand at the end
    return made


def to_dynamic_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with int8 weights, whose activations are quantized to uint8 in each call."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "dynamic.onnx"
        quantize_dynamic(copy_model(model), path)
        made = onnx.load(path)
    sort_nodes(made.graph)
    return made


# How each is made, and the type of constant that it must have then.
MAKERS: dict[str, tuple[Callable[[onnx.ModelProto], onnx.ModelProto], int]] = {
    "fp16": (to_float16, TensorProto.FLOAT16),
    "dynamic": (to_dynamic_int8, TensorProto.INT8),
}


def make_reference(name: str, model: onnx.ModelProto, batches: Batches) -> onnx.ModelProto:
    """Return the reference of a float32 model; `name` is a key of `MAKERS`.

    Raises UserError when onnxruntime cannot make or run it, nothing in it has the type that it
    stands for, or scores of the images in `batches` are not finite.
    """
    make, data_type = MAKERS[name]
    try:
        made = make(model)
        onnx.checker.check_model(made)
    except Exception as error:  # onnxruntime's converters raise whatever Python does
        reason = f"onnxruntime cannot make it ({type(error).__name__}: {first_line(error)})"
        raise _refusal(name, reason) from error
    if not any(tensor.data_type == data_type for _, tensor in named_constants(made)):
        raise _refusal(name, "onnxruntime finds nothing in the model to convert")
    try:
        session = make_session(made, threads=1)
        scores = [run_scores(session, batches.interface, batch) for batch in batches]
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        raise _refusal(name, f"onnxruntime cannot run it ({first_line(error)})") from error
    if not all(np.isfinite(block).all() for block in scores):
        raise UserError(not_finite(name))
    return made


def not_finite(name: str) -> str:
    """Return the error of a reference whose scores are not finite, as where float16 overflows."""
    return str(_refusal(name, "its scores of some images are not finite"))


def _refusal(name: str, reason: str) -> UserError:
    return UserError(
        f"comparison.references: {name}: {reason}; remove {name} from comparison.references"
    )
