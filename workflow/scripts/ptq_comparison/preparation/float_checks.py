"""The gate before quantization: what is wrong with a float32 model, said in time.

onnxruntime quantizes most such models without an error, and the result then does not load or is
worth nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import Message
from onnx import TensorProto, numpy_helper

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_scores
from ptq_comparison.model.graph import all_nodes
from ptq_comparison.model.interface import image_and_scores
from ptq_comparison.model.interface_type import remedy_for_classes
from ptq_comparison.model.layers import named_constants
from ptq_comparison.model.opset import check_opset

QUANTIZED = (
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "DynamicQuantizeMatMul",
    "MatMulNBits", "MatMulBnb4", "QAttention", "QGemm",
)  # fmt: skip

# Operators that take infinite constants as bounds or masks, and the first such input.
INFINITE_FROM = {
    "Clip": 1, "Pad": 2, "Where": 1,
    **dict.fromkeys(("Add", "Sub", "Max", "Min", "Concat", "ConstantOfShape", "Expand", "Gather",
                     "Identity", "Reshape", "Slice", "Squeeze", "Tile", "Trilu", "Unsqueeze"), 0),
}  # fmt: skip

NOT_CHECKED = "the accuracy is not checked, because the calibration images have no labels"

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)


def check_readable(model: onnx.ModelProto) -> None:
    """Raise UserError unless all texts are UTF-8 and all tensors arrays, and there is one input.

    And one output: what everything after this takes for granted, and onnx's checker does not see.
    """
    for message in _messages(model):
        for field, value in message.ListFields():
            texts = [value] if isinstance(value, str | bytes) else value
            if field.type == field.TYPE_STRING and any(isinstance(text, bytes) for text in texts):
                raise UserError(
                    f"model.source: a {field.name} in {type(message).__name__} is not UTF-8; the "
                    "file is damaged: export the model again"
                )
        if isinstance(message, onnx.TensorProto):
            try:
                numpy_helper.to_array(message)
            except Exception as error:  # whatever is wrong with it
                raise UserError(
                    f"model.source: tensor {message.name!r} cannot be read ({first_line(error)}); "
                    "export the model again"
                ) from error
    image_and_scores(model)


def _messages(message: Message) -> Iterator[Message]:
    """Yield a message of protobuf and all those in it, which are at most 100 deep."""
    yield message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in [value] if isinstance(value, Message) else value:
                yield from _messages(inner)


def check_float_model(model: onnx.ModelProto, opset: int, needed_by: str) -> None:
    """Raise UserError unless all weights are float32 and finite and nothing is quantized yet.

    Also checked: unique names of nodes, and an opset of at least `opset`, `needed_by` an option.
    """
    users = defaultdict(list)
    for node in all_nodes(model.graph):
        for place, name in enumerate(node.input):
            users[name].append((node, place))
    for name, tensor in named_constants(model):
        if tensor.data_type not in FLOATS:
            continue
        kind = TensorProto.DataType.Name(tensor.data_type)
        if tensor.data_type != TensorProto.FLOAT:
            raise UserError(f"model.source: tensor {name!r} is {kind}; export the model in float32")
        values = numpy_helper.to_array(tensor)
        sound = np.isfinite(values).all() or (
            not np.isnan(values).any() and all(_may_be_infinite(*user) for user in users[name])
        )
        if not sound:
            raise UserError(
                f"model.source: tensor {name!r} holds values that are not finite (NaN or Inf); "
                "export the model again from sound weights"
            )
    for node in all_nodes(model.graph):
        if (
            node.op_type in QUANTIZED
            or node.op_type.startswith("QLinear")
            or "Integer" in node.op_type
        ):
            raise UserError(
                f"model.source: is quantized already (node {node.name!r} is {node.op_type}); "
                "give the float32 model"
            )
    counts = Counter(node.name for node in model.graph.node if node.name)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise UserError(
            f"model.source: {counts[twice[0]]} nodes have the name {twice[0]!r}; names must be "
            "unique: rename them, or leave them empty"
        )
    check_opset(model, opset, needed_by)


def _may_be_infinite(node: onnx.NodeProto, place: int) -> bool:
    return place >= INFINITE_FROM.get(node.op_type, len(node.input))


def check_runs(
    model: onnx.ModelProto, preprocessing: dict[str, Any], image: tuple[int, ...], classes: int
) -> None:
    """Run the model on two black images (H, W, C): it may be sound and run nowhere.

    Two, since a model may declare any batch size and hold a shape for a single image. Raises
    UserError when onnxruntime cannot run it, or a batch does not give scores (batch, classes).
    """
    batches = Batches.of(np.zeros((2, *image), np.uint8), model, preprocessing, batch_size=2)
    try:
        session = make_session(model, threads=1)
        found = {run_scores(session, batches.interface, batch).shape[1] for batch in batches}
    except UserError:  # the scores have another form
        raise
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        raise UserError(
            f"model.source: onnxruntime {onnxruntime.__version__} cannot run the model on images "
            f"of height, width, channels {image}, two at once unless its batch is fixed "
            f"({first_line(error)}); export it again for such images, with operators and an opset "
            "that this onnxruntime knows"
        ) from error
    for outputs in found - {classes}:
        raise UserError(
            f"model.source: gives scores of {outputs} classes, the data set has {classes}; "
            + remedy_for_classes(outputs, classes)
        )


def required_accuracy(configured: float | None, labels: np.ndarray) -> float:
    """Return the least accuracy on the calibration images, as a fraction.

    `configured` is `acceptance.min_calibration_accuracy`. Without it: what a model gets that always
    names the most frequent class, and a quarter of the rest.
    """
    if configured is not None:
        return configured
    chance = float(np.bincount(labels).max()) / len(labels)
    return chance + (1 - chance) / 4


def check_accuracy(correct: int, total: int, required: float) -> None:
    """Raise UserError when the float32 model does worse than `required` on its own images."""
    if correct / total < required:
        raise UserError(
            f"acceptance.min_calibration_accuracy: the float32 model names {correct} of {total} "
            f"calibration images right ({correct / total:.1%}), at least {required:.1%} is needed; "
            "check model.scale, model.mean, model.std, model.layout, and the order of colour "
            "channels and of classes"
        )
