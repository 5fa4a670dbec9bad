"""Types and shapes of tensors that onnx cannot infer, behind operators of other domains.

onnxruntime's quantizer knows only onnx's, and leaves tensors of unknown type in float32.
"""

import onnx
from onnx import TensorProto, helper

from ptq_comparison.inference.session import make_session
from ptq_comparison.model.graph import copy_model

ELEMENT_TYPES = {
    "float": TensorProto.FLOAT, "double": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16,
    "bool": TensorProto.BOOL, "int8": TensorProto.INT8, "uint8": TensorProto.UINT8,
    "int16": TensorProto.INT16, "int32": TensorProto.INT32, "int64": TensorProto.INT64,
}  # fmt: skip


def add_tensor_types(model: onnx.ModelProto) -> str:
    """Declare the types that onnxruntime knows and onnx does not, in place; say so in words.

    A model that onnxruntime cannot load stays as it is; `check_runs` tells why.
    """
    inferred = onnx.shape_inference.infer_shapes(model)
    graph = inferred.graph
    known = {
        value.name
        for value in (*graph.value_info, *graph.input, *graph.output)
        if value.type.WhichOneof("value") != "tensor_type" or value.type.tensor_type.elem_type
    }
    outputs = (name for node in graph.node for name in node.output if name)
    missing = [name for name in outputs if name not in known]
    if not missing:
        return ""
    probe = copy_model(model)
    # Without a type, onnxruntime fills it in.
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in missing)
    try:
        session = make_session(probe, threads=1, optimize=False)
    except Exception:  # onnxruntime's exceptions have no common base but this
        return ""
    for value in session.get_outputs():
        element = ELEMENT_TYPES.get(value.type.removeprefix("tensor(").removesuffix(")"))
        if value.name in missing and element:
            # No shape: it may be that of a scalar, or unknown.
            shape = value.shape or None
            model.graph.value_info.append(helper.make_tensor_value_info(value.name, element, shape))
    return f"types of tensors that onnx cannot infer are declared ({len(missing)})"
