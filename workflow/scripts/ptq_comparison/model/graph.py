"""Copies, parts and attributes of an ONNX graph."""

from collections.abc import Iterable, Sequence
from typing import Any

import onnx
from onnx.utils import Extractor


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


def name_nodes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which nodes without a name have that of their first output.

    onnxruntime excludes nodes by name; exporters may leave names empty.
    """
    copy = copy_model(model)
    names = {node.name for node in copy.graph.node}
    for node in copy.graph.node:
        if not node.name:
            name = node.output[0]
            while name in names:  # the output of one node may be the name of another
                name += "_"
            node.name = name
            names.add(name)
    return copy
