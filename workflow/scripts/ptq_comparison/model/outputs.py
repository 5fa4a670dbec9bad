"""Which output of a model holds the scores, and what they are."""

from collections.abc import Iterable

import onnx

from ptq_comparison.common.errors import UserError
from ptq_comparison.model.graph import drop_unused, used_names

MOST_LISTED = 8  # outputs in a message
SCORE_TYPES = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
# Operators that give probabilities, in float and on integers.
PROBABILITIES = ("Sigmoid", "HardSigmoid", "Softmax", "QLinearSigmoid", "QLinearSoftmax")
# Operators behind which a probability is one still; the value is their first input.
PASSING = (
    "Cast", "Clip", "DequantizeLinear", "Dropout", "Flatten", "Gather", "Identity",
    "QuantizeLinear", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip


def shape_of(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    """Return the declared shape; None stands for any size."""
    dimensions = value.type.tensor_type.shape.dim
    # A dynamic size has a name or nothing; some exporters write 0 or -1 instead.
    return tuple(d.dim_value if d.dim_value > 0 else None for d in dimensions)


def cut_to_output(model: onnx.ModelProto, name: str | None) -> list[str]:
    """Leave a model one output, `name`, and what computes it, in place; say so in words.

    Raises UserError where there is no such output, or several and no name.
    """
    graph = model.graph
    outputs = {value.name: value for value in graph.output}
    if name is None and len(outputs) > 1:
        raise UserError(
            f"model.output: is not set, and the model has {len(outputs)} outputs: "
            f"{_list(graph.output)}; set it to the one that holds the scores of the classes"
        )
    if name is None or list(outputs) == [name]:
        return []
    if name not in outputs:
        raise UserError(
            f"model.output: the model has no output {name!r}; it has {_list(graph.output)}"
        )
    del graph.output[:]
    graph.output.append(outputs[name])
    drop_unused(graph)
    used = used_names(graph)
    inputs = [value for value in graph.input if value.name in used]
    del graph.input[:]
    graph.input.extend(inputs)
    return [f"cut to the output {name!r} of {len(outputs)}, as model.output asks"]


def _list(outputs: Iterable[onnx.ValueInfoProto]) -> str:
    described = [f"{value.name!r} {_describe(value)}" for value in outputs]
    more = len(described) - MOST_LISTED
    return ", ".join(described[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _describe(value: onnx.ValueInfoProto) -> str:
    if value.type.WhichOneof("value") != "tensor_type":
        return "(no tensor)"
    if not value.type.tensor_type.HasField("shape"):
        return "(of an unknown shape)"
    sizes = ", ".join("?" if size is None else str(size) for size in shape_of(value))
    return f"({sizes})"


def count_classes(output: onnx.ValueInfoProto, batch: int | None) -> int | None:
    """Return of how many classes an output declares scores; None where it leaves that open.

    Scores of shape (batch, classes) may have axes of size 1 beside. One score an image stands for
    two classes. `batch` is that of the input, None for any. Raises UserError for what cannot be
    scores.
    """
    tensor, sizes = output.type.tensor_type, shape_of(output)
    if output.type.WhichOneof("value") != "tensor_type" or tensor.elem_type not in SCORE_TYPES:
        names = {number: key for key, number in onnx.TensorProto.DataType.items()}
        raise UserError(
            f"model.source: output {output.name!r} is "
            f"{names.get(tensor.elem_type, tensor.elem_type)}; scores are needed, in float32: not "
            "classes, as of ArgMax, and no map of them"
        )
    # Without the axis of the batch, which a batch of 1 may be without.
    others = sizes if batch == 1 and len(sizes) == 1 else sizes[1:]
    known = [size for size in others if size not in (1, None)]
    if len(known) > 1:
        raise UserError(
            f"model.source: output {output.name!r} has shape {sizes}; "
            "scores of shape (batch, classes) are needed"
        )
    if known:
        return known[0]
    return None if None in others else 2


def ends_in_probability(model: onnx.ModelProto) -> bool:
    """Tell whether the last operator that changes values gives probabilities, as Sigmoid does."""
    producers = {name: node for node in model.graph.node for name in node.output}
    name = model.graph.output[0].name
    for _ in model.graph.node:  # a graph of nobody's check may have a cycle
        node = producers.get(name)
        if node is None or node.op_type not in PASSING:
            break
        name = node.input[0]
    return name in producers and producers[name].op_type in PROBABILITIES
