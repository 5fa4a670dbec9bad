"""The graph that onnxruntime runs on this CPU, which its optimizations make of the given one."""

import math
import tempfile
from collections import Counter
from pathlib import Path

import onnx
import onnxruntime
from onnx import helper

PRODUCTS = ("Conv", "MatMul", "Gemm")  # in the names of all operators that multiply by a weight
ERRORS = 3  # and no warning that the file is for this machine alone


def executed_model(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph that onnxruntime runs; operators of its own are in domains of its own."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = ERRORS
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "executed.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return onnx.load(path)


def weight_types(model: onnx.ModelProto) -> dict[str, int]:
    """Count convolutions and matrix products by the type of their weight, {"float32": 9}."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    counts: Counter[str] = Counter()
    for node in model.graph.node:
        if any(kind in node.op_type for kind in PRODUCTS):
            # Scales, zero points and biases are smaller.
            given = [constants[name] for name in node.input if name in constants]
            if given:
                weight = max(given, key=lambda tensor: math.prod(tensor.dims))
                counts[helper.tensor_dtype_to_np_dtype(weight.data_type).name] += 1
    return dict(sorted(counts.items()))
