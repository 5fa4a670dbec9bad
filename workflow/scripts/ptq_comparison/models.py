"""What an ONNX classifier wants as input, what it gives, and what it is made of."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx.utils import Extractor

from ptq_comparison.errors import UserError, first_line
from ptq_comparison.files import DELETE, is_downloaded, sha256_file

IMAGE_CHANNELS = (1, 3)


@dataclass(frozen=True)
class Interface:
    """The image input of a classifier and its output; `None` stands for any size."""

    input: str
    output: str
    layout: str  # NHWC or NCHW
    batch: int | None
    image: tuple[int | None, int | None, int | None]  # height, width, channels
    classes: int | None


def load_model(path: Path) -> onnx.ModelProto:
    """Read an ONNX file and its weights, also those in files beside it.

    Raises UserError when a file is absent, is not ONNX, or is not valid.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; set model.source to an ONNX file")
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    # ValueError: a file of weights that is cut short
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        remedy = "export it again, with its weights inside or beside it"
        if is_downloaded(path):
            remedy = DELETE
        raise UserError(
            f"{path}: not a valid ONNX model ({first_line(error)}); {remedy}"
        ) from error
    return model


def read_interface(model: onnx.ModelProto, layout: str = "auto") -> Interface:
    """Find the image input, its layout, and the score output of a classifier.

    `layout` is NHWC, NCHW, or `auto`, which looks for a dimension of 1 or 3 channels. Raises
    UserError unless there are one float32 input of rank 4 and one output of rank 2, and when
    the layout cannot be told.
    """
    inputs = real_inputs(model)
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise UserError(
            f"model.source: has {len(inputs)} inputs and {len(model.graph.output)} outputs; "
            "a classifier with one image input and one output is needed"
        )
    tensor_type = inputs[0].type.tensor_type
    shape, scores = _shape(inputs[0]), _shape(model.graph.output[0])
    if tensor_type.elem_type != onnx.TensorProto.FLOAT or len(shape) != 4:
        raise UserError(
            f"model.source: input {inputs[0].name!r} is "
            f"{onnx.TensorProto.DataType.Name(tensor_type.elem_type)} of shape {shape}; "
            "float32 images of rank 4 are needed"
        )
    if len(scores) != 2:
        raise UserError(
            f"model.source: output {model.graph.output[0].name!r} has shape {scores}; "
            "scores of shape (batch, classes) are needed"
        )
    if layout == "auto":
        layout = _detect_layout(shape)
    height, width, channels = shape[1:] if layout == "NHWC" else (*shape[2:], shape[1])
    return Interface(
        input=inputs[0].name,
        output=model.graph.output[0].name,
        layout=layout,
        batch=shape[0],
        image=(height, width, channels),
        classes=scores[1],
    )


def check_fits(interface: Interface, image: tuple[int, ...], classes: int) -> None:
    """Raise UserError unless images (H, W, C) and the number of classes fit the model."""
    if any(want not in (None, have) for want, have in zip(interface.image, image, strict=True)):
        raise UserError(
            f"model.source takes images of height, width, channels {interface.image} "
            f"({interface.layout}), the data set has {tuple(image)}; resize the data set, or set "
            "model.layout"
        )
    if interface.classes not in (None, classes):
        raise UserError(
            f"model.source has {interface.classes} classes, the data set has {classes}; "
            "use the data set that the model was trained for, and a model with one score a class"
        )


def describe_model(path: Path, name: str) -> dict[str, Any]:
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


def copy_model(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy, as onnxruntime may change what it is given."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def with_outputs(model: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """Return a copy of the model that also gives the float32 tensors `names`."""
    given = {value.name for value in (*model.graph.output, *model.graph.input)}
    copy = copy_model(model)
    copy.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in names
        if name not in given
    )
    return copy


def real_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs of the graph without initializers, which may be listed there, too."""
    initializers = {initializer.name for initializer in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in initializers]


def extract(
    model: onnx.ModelProto, names: Sequence[str], from_constants: bool = False
) -> onnx.ModelProto:
    """Return the part of the model that computes the float32 tensors `names`, its only outputs.

    `from_constants` makes it a model without inputs.
    """
    inputs = [] if from_constants else [value.name for value in real_inputs(model)]
    return Extractor(with_outputs(model, names)).extract_model(inputs, list(names))


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """Return the value of an attribute of a node, `default` where the node does not have it."""
    found = (a for a in node.attribute if a.name == name)
    return next((onnx.helper.get_attribute_value(a) for a in found), default)


def model_opset(model: onnx.ModelProto) -> int:
    """Return the version of ONNX's own operators that a model is written in."""
    return next(int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx"))


def _shape(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    dimensions = value.type.tensor_type.shape.dim
    # A dynamic size has a name or nothing; some exporters write 0 or -1 instead.
    return tuple(d.dim_value if d.dim_value > 0 else None for d in dimensions)


def _detect_layout(shape: tuple[int | None, ...]) -> str:
    last, first = shape[3] in IMAGE_CHANNELS, shape[1] in IMAGE_CHANNELS
    if last == first:
        raise UserError(
            f"model.layout: cannot be told from the input shape {shape}; set it to NHWC or NCHW"
        )
    return "NHWC" if last else "NCHW"
