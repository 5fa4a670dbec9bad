"""The size of the images that a model takes, which those of a data set can be brought to."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from ptq_comparison.common.errors import UserError
from ptq_comparison.model.graph import real_inputs
from ptq_comparison.model.interface import IMAGE_CHANNELS

SET_SIZE = "set dataset.resize and dataset.crop"


def read_input_size(path: Path, layout: str) -> tuple[int, int]:
    """Return height and width of the images that an ONNX model takes; no weights are read.

    `layout` is NHWC, NCHW or auto, as in `read_interface`. Raises UserError where they are of any
    size, and for a file without one image input.
    """
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: not an ONNX model; set model.source to one") from error
    shapes = [
        [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in real_inputs(model)
    ]
    images = [shape for shape in shapes if len(shape) == 4]
    if len(images) != 1:
        raise UserError(
            f"model.source: has {len(images)} inputs of rank 4, and model.preset takes the size "
            f"of images from one; {SET_SIZE}"
        )
    (shape,) = images
    if layout == "auto":
        layout = "NHWC" if shape[3] in IMAGE_CHANNELS else "NCHW"
    height, width = shape[1:3] if layout == "NHWC" else shape[2:]
    if height < 1 or width < 1:  # a name, 0 or -1
        raise UserError(
            "model.source: takes images of any size, so that model.preset does not tell which; "
            f"{SET_SIZE}"
        )
    return height, width
