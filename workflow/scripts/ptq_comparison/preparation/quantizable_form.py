"""The float32 model in a form that onnxruntime's quantizer handles without damage.

Each step keeps what the model computes, and changes nothing that is in good form already.
"""

from collections.abc import Callable

import onnx
import onnx.inliner

from ptq_comparison.common.errors import UserError
from ptq_comparison.model.graph import copy_model, drop_unused
from ptq_comparison.model.opset import ONNX_DOMAINS
from ptq_comparison.preparation.constant_weights import plain_weights
from ptq_comparison.preparation.gemm_form import plain_gemms
from ptq_comparison.preparation.graph_form import (
    drop_empty_ends,
    drop_infinite_bounds,
    show_readers,
)
from ptq_comparison.preparation.own_constants import own_constants
from ptq_comparison.preparation.own_names import own_names
from ptq_comparison.preparation.tensor_types import add_tensor_types
from ptq_comparison.preparation.unsupported import check_supported

# In this order: own names come after the steps that make new ones.
STEPS: tuple[Callable[[onnx.ModelProto], str], ...] = (
    drop_empty_ends,
    drop_infinite_bounds,
    show_readers,
    plain_gemms,
    own_constants,
    own_names,
    add_tensor_types,
)


def inline_functions(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """Return the model without functions of its own, and what was changed, in words.

    onnxruntime would leave the operators in them in float32. Their names, of nodes and tensors,
    come from onnx's inliner. Raises UserError where it leaves a function.
    """
    if not model.functions:
        return model, []
    names = ", ".join(sorted(function.name for function in model.functions))
    # The second pass takes those that are written in another opset.
    inlined = onnx.inliner.inline_local_functions(model)
    inlined = onnx.inliner.inline_local_functions(inlined, convert_version=True)
    if inlined.functions:
        raise UserError(
            f"model.source: onnx cannot inline the local function {inlined.functions[0].name!r}, "
            "and onnxruntime would leave it in float32; export the model without local functions"
        )
    used = {node.domain for node in inlined.graph.node}
    kept = [o for o in inlined.opset_import if o.domain in used.union(ONNX_DOMAINS)]
    del inlined.opset_import[:]
    inlined.opset_import.extend(kept)
    return inlined, [f"local functions are inlined ({names})"]


def quantizable_form(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """Return the model in a form for the quantizer, and what was changed for that, in words.

    A model that is in such a form already comes back itself, with an empty list. Local functions
    have to be inlined before. Raises UserError for what no form can mend.
    """
    stored, changes = plain_weights(model)
    check_supported(stored)
    form = copy_model(stored)
    changes = [*changes, *filter(None, [step(form) for step in STEPS])]
    if not changes:
        return model, []
    drop_unused(form.graph)
    return form, changes
