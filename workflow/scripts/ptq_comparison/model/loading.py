"""Read ONNX files, and describe what they hold."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from ptq_comparison.common.address import DELETE, is_downloaded
from ptq_comparison.common.descriptions import ModelDescription
from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import sha256_file
from ptq_comparison.model.external_weights import LARGEST_FILE, external_files
from ptq_comparison.model.file_kind import check_kind
from ptq_comparison.model.opset import model_opset


def load_model(
    path: Path, cut: Callable[[onnx.ModelProto], object] | None = None
) -> onnx.ModelProto:
    """Read an ONNX file and its weights, also those in files beside it.

    `cut` changes the model in place before it is checked: what it leaves out may be unsound. Raises
    UserError when a file is absent, is not ONNX, or is not valid.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; set model.source to an ONNX file")
    check_kind(path)
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise UserError(
            f"{path}: has {size / 1e9:.1f} GB, and no ONNX file has more than 2.1; export the "
            "model with its weights in a file beside it"
        )
    try:
        model = onnx.load(path)
        if cut:
            cut(model)
        _complete_outputs(model)
        onnx.checker.check_model(model)
    # Of other types: a file of weights that is cut short, or has a name that cannot be
    except (DecodeError, onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        remedy = "export it again"
        if external_files(path):
            remedy += ", with its weights inside or beside it"
        if is_downloaded(path):
            remedy = DELETE
        raise UserError(
            f"{path}: not a valid ONNX model ({first_line(error)}); {remedy}"
        ) from error
    return model


def _complete_outputs(model: onnx.ModelProto) -> None:
    """Fill in the shapes of outputs that declare none, which some exporters leave out, in place.

    Raises UserError where onnx cannot infer a shape.
    """
    open_outputs = [o for o in model.graph.output if not o.type.tensor_type.HasField("shape")]
    if not open_outputs or any(o.type.WhichOneof("value") == "sequence_type" for o in open_outputs):
        return
    inferred = {o.name: o for o in onnx.shape_inference.infer_shapes(model).graph.output}
    for output in open_outputs:
        output.CopyFrom(inferred[output.name])
        if not output.type.tensor_type.HasField("shape"):
            raise UserError(
                f"model.source: output {output.name!r} declares no shape, and onnx cannot infer "
                "it; export the model with the shape of its output, (batch, classes)"
            )


def describe_model(path: Path, name: str) -> ModelDescription:
    """Return name, path, sha256, bytes, nodes, operators (counts by type) and opset."""
    model = load_model(path)
    operators = Counter(node.op_type for node in model.graph.node)
    return {
        "name": name,
        "path": str(path),
        "sha256": sha256_file(path),
        "bytes": path.stat().st_size,
        "nodes": len(model.graph.node),
        "operators": dict(sorted(operators.items())),
        "opset": model_opset(model),
    }
