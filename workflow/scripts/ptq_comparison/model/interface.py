"""What an ONNX classifier wants as input and what it gives."""

import math

import onnx

from ptq_comparison.common.errors import UserError
from ptq_comparison.model.graph import real_inputs
from ptq_comparison.model.interface_type import Interface, remedy_for_classes
from ptq_comparison.model.outputs import count_classes, ends_in_probability, shape_of

IMAGE_CHANNELS = (1, 3)
# Types of an input: preprocessed images, or pixels as they are stored.
INPUT_TYPES: dict[int, str] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.UINT8: "uint8",
}
LARGEST_INPUT = 10**9  # bytes of a fixed batch; calibration holds every activation of one


def read_interface(model: onnx.ModelProto, layout: str = "auto") -> Interface:
    """Find the image input, its layout, and the score output of a classifier.

    `layout` is NHWC, NCHW, or `auto`, which looks for a dimension of 1 or 3 channels. A model that
    is not cut to one of several outputs has none here, "". Raises UserError unless there are one
    float32 or uint8 input of rank 4 and an output that can be scores, and when the layout cannot be
    told.
    """
    given, outputs = _image_input(model), model.graph.output
    element, shape = given.type.tensor_type.elem_type, shape_of(given)
    if element not in INPUT_TYPES or len(shape) != 4:
        names = {number: name for name, number in onnx.TensorProto.DataType.items()}
        raise UserError(
            f"model.source: input {given.name!r} is {names.get(element, element)} of shape "
            f"{shape}; images of rank 4 are needed, float32 or uint8"
        )
    if layout == "auto":
        layout = _detect_layout(shape)
    height, width, channels = shape[1:] if layout == "NHWC" else (*shape[2:], shape[1])
    return Interface(
        input=given.name,
        output=outputs[0].name if len(outputs) == 1 else "",
        layout=layout,
        batch=shape[0],
        image=(height, width, channels),
        classes=count_classes(outputs[0], shape[0]) if len(outputs) == 1 else None,
        dtype=INPUT_TYPES[element],
        probability=len(outputs) == 1 and ends_in_probability(model),
    )


def image_and_scores(model: onnx.ModelProto) -> tuple[onnx.ValueInfoProto, onnx.ValueInfoProto]:
    """Return the one input and the one output. Raises UserError where there are more, or none."""
    given, outputs = _image_input(model), model.graph.output
    if len(outputs) != 1:
        raise UserError(
            f"model.source: has {len(outputs)} outputs; one with the scores of the classes is "
            "needed: export it again, or name one of several in model.output"
        )
    return given, outputs[0]


def _image_input(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    inputs = real_inputs(model)
    if len(inputs) != 1:
        raise UserError(
            f"model.source: has {len(inputs)} inputs; a classifier with one image input is needed"
        )
    return inputs[0]


def float_image(model: onnx.ModelProto) -> str:
    """Return the name of the first float32 tensor that the image is in.

    That is the input, or, of a model that takes uint8 pixels, what its first Cast gives.
    """
    value = real_inputs(model)[0]
    name = value.name
    if INPUT_TYPES.get(value.type.tensor_type.elem_type) == "uint8":
        for node in model.graph.node:  # in an order in which inputs come before their uses
            if name in node.input:
                name = node.output[0]
                if node.op_type == "Cast":
                    break
    return name


def check_fits(interface: Interface, image: tuple[int, ...], classes: int) -> None:
    """Raise UserError unless images (H, W, C) and the number of classes fit the model.

    A fixed batch has to fit into memory, too: all jobs make inputs of that size.
    """
    if any(want not in (None, have) for want, have in zip(interface.image, image, strict=True)):
        raise UserError(
            f"model.source takes images of height, width, channels {interface.image} "
            f"({interface.layout}), the data set has {tuple(image)}; resize the data set, or set "
            "model.layout"
        )
    size = math.prod((interface.batch or 1, *image, 4))
    if interface.batch and size > LARGEST_INPUT:
        raise UserError(
            f"model.source takes {interface.batch} images at once, {size / 1e9:.1f} GB, and "
            f"{LARGEST_INPUT / 1e9:.0f} GB are allowed; export it for any number of images"
        )
    if interface.classes not in (None, classes):
        raise UserError(
            f"model.source has {interface.classes} classes, the data set has {classes}; "
            + remedy_for_classes(interface.classes, classes)
        )


def _detect_layout(shape: tuple[int | None, ...]) -> str:
    last, first = shape[3] in IMAGE_CHANNELS, shape[1] in IMAGE_CHANNELS
    if last == first:
        raise UserError(
            f"model.layout: cannot be told from the input shape {shape}; set it to NHWC or NCHW"
        )
    return "NHWC" if last else "NCHW"
