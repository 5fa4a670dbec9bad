"""What a classifier takes and gives, for code that need not load onnx."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interface:
    """The image input of a classifier and its output; `None` stands for any size."""

    input: str
    output: str
    layout: str  # NHWC or NCHW
    batch: int | None
    image: tuple[int | None, int | None, int | None]  # height, width, channels
    classes: int | None
    dtype: str = "float32"  # of the input; or uint8: the model itself scales stored pixels
    # What the output is where it is one score an image: the probability of the second of two
    # classes, else its logit.
    probability: bool = False


def remedy_for_classes(outputs: int, classes: int) -> str:
    """Return what to do about a data set of other `classes` than the model has `outputs` for."""
    if classes < outputs:
        return (
            "for images of some of its classes, name all in the order of the outputs: in a file "
            "(dataset.classes) or, in a data set of arrays, as its class names"
        )
    return "use the data set that the model was trained for, or leave out the other classes"
