"""Sessions whose kernels for integers do not saturate, on any CPU.

On x86-64 without VNNI, the fast kernels for unsigned activations and signed weights add pairs of
products in 16 bits and saturate. onnxruntime has a session option for kernels that do not.
"""

import onnx
import onnxruntime

from ptq_comparison.inference.saturation_trial import EXACT_KERNELS
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.graph import all_names, copy_model, free_name
from ptq_comparison.model.opset import ONNX_DOMAINS

# Operators on integers with a weight: which inputs are the weight and its zero point.
WEIGHTED = {
    "QLinearConv": (3, 5),
    "QLinearMatMul": (3, 5),
    "QGemm": (3, 5),
    "MatMulInteger": (1, 3),
}
LAST_OPSET = 20  # for which onnxruntime has such kernels


def make_exact_session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    """Load a model, optimized, with kernels that do not saturate.

    onnxruntime raises an exception of its own where it has no such kernels.
    """
    return make_session(unshared(model), threads, config_entries=EXACT_KERNELS)


def unshared(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with a weight and zero point of its own for each operator on integers.

    For these kernels onnxruntime stores both in another form, and fails over one that it has
    stored already. It does so up to opset 20 and without a word not above; 21 and 22 only know more
    types of the operators that it quantizes.
    """
    own = copy_model(model)
    for opset in own.opset_import:
        if opset.domain in ONNX_DOMAINS:
            opset.version = min(opset.version, LAST_OPSET)
    arrays, seen, taken = {i.name: i for i in own.graph.initializer}, set[str](), all_names(own)
    for node in own.graph.node:
        for place in WEIGHTED.get(node.op_type, ()):
            if place >= len(node.input):  # no zero point
                continue
            name = node.input[place]
            if name in seen:
                copy = own.graph.initializer.add()
                copy.CopyFrom(arrays[name])
                node.input[place] = copy.name = free_name(name, taken)
            elif name in arrays:
                seen.add(name)
    return own
