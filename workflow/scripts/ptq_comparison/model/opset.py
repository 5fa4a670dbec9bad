"""The version of ONNX operators that a model is written in."""

import onnx

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.model.graph import all_nodes

ONNX_DOMAINS = ("", "ai.onnx")  # names of ONNX's own operators


def check_opset(model: onnx.ModelProto, opset: int, needed_by: str) -> None:
    """Raise UserError unless the model has at least this opset, `needed_by` an option."""
    found = model_opset(model)
    if found < opset:
        raise UserError(
            f"model.source: has opset {found}, but {needed_by} needs {opset}; set model.opset: "
            f"{opset} to convert it with onnx's version converter, or export it again"
        )


def convert_opset(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Return the model in another opset. Raises UserError where onnx cannot convert it."""
    newest = onnx.defs.onnx_opset_version()
    if opset > newest:
        raise UserError(
            f"model.opset: onnx knows none above {newest}, {opset} was asked for; lower it"
        )
    try:
        converted = onnx.version_converter.convert_version(model, opset)
        onnx.checker.check_model(converted)
    except (RuntimeError, onnx.checker.ValidationError) as error:
        raise UserError(
            f"model.opset: onnx cannot convert opset {model_opset(model)} to {opset} "
            f"({first_line(error)}); export the model again with that opset"
        ) from error
    return converted


def drop_unused_domains(model: onnx.ModelProto) -> None:
    """Remove the domains that no node of the model is of, in place.

    onnxruntime stamps what it has optimized with all domains that it knows, in their newest
    versions, and an older onnxruntime refuses to load a model for any of these.
    """
    used = {node.domain for node in all_nodes(model.graph)}
    for function in model.functions:
        used |= {function.domain, *(node.domain for node in function.node)}
    kept = [o for o in model.opset_import if o.domain in ONNX_DOMAINS or o.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)


def model_opset(model: onnx.ModelProto) -> int:
    """Return the version of ONNX's own operators that a model is written in."""
    return next(int(o.version) for o in model.opset_import if o.domain in ONNX_DOMAINS)
