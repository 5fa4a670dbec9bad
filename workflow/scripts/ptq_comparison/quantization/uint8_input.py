"""Quantized models that take pixels as they are stored, uint8, and preprocess them themselves.

The operators in front compute in float32 what `Preprocessing` computes, so that the scores are the
same to the last bit. Where the quantized input would be the pixel itself, there is nothing to
compute: the integers of the model are those of the image, as in TFLite models.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.preprocessing import OPERATORS, Preprocessing
from ptq_comparison.inference.session import make_session, run_scores
from ptq_comparison.model.graph import (
    all_names,
    attribute,
    copy_model,
    free_name,
    inner_graphs,
    insert_at,
    real_inputs,
    used_names,
)
from ptq_comparison.model.interface import read_interface
from ptq_comparison.model.layers import constants

PIXELS = np.arange(256, dtype=np.float32).reshape(-1, 1)  # all that there are

Steps = Sequence[tuple[str, np.ndarray]]  # those of `Preprocessing.steps`


def take_pixels(quantized: onnx.ModelProto, preprocessing: Mapping[str, Any]) -> onnx.ModelProto:
    """Return a quantized model that takes uint8 pixels in place of preprocessed float32 images.

    Name, shape, layout and order of channels of the input stay. `preprocessing` is that of the
    config. A model that takes uint8 already is returned as it is.
    """
    interface = read_interface(quantized, preprocessing["layout"])
    if interface.dtype == "uint8":
        return quantized
    model = copy_model(quantized)
    graph, arrays = model.graph, constants(model)
    real_inputs(model)[0].type.tensor_type.elem_type = TensorProto.UINT8
    pixels = interface.input
    # Channels at the end are repeated over a row of the image: several times as fast.
    repeats = 1 if interface.layout == "NCHW" else interface.image[1] or 1
    shape = (1, -1, 1, 1) if interface.layout == "NCHW" else (1, 1, repeats, -1)
    steps = [*Preprocessing(**{**preprocessing, "layout": interface.layout}).steps()]
    shaped = [(op, np.tile(v, repeats).reshape(shape) if v.ndim else v) for op, v in steps]
    turned = [*_transposes(graph, pixels)]  # which turn a quarter of the bytes, now
    for node in turned:
        pixels, axes = node.output[0], attribute(node, "perm", (3, 2, 1, 0))
        shaped = [(op, v.transpose(axes) if v.ndim else v) for op, v in shaped]
    readers = [node for node in graph.node if pixels in _reads(node)]
    direct = [node for node in readers if _gives_pixels(node, steps, arrays)]
    others = [node for node in readers if node not in direct]
    if others:
        made = _preprocess(model, pixels, shaped)
        for node in others:
            _rename(node, pixels, made[-1].output[0])
        insert_at(graph, turned[-1] if turned else graph.node[0], made, after=bool(turned))
    for node in direct:
        graph.node.remove(node)
        for reader in graph.node:
            _rename(reader, node.output[0], pixels)
    changed = {node.output[0] for node in (*turned, *direct)}
    known = [value for value in graph.value_info if value.name not in changed]
    del graph.value_info[:]
    graph.value_info.extend(known)
    return model


def check_same_scores(
    quantized: onnx.ModelProto, of_pixels: onnx.ModelProto, batches: Batches
) -> None:
    """Raise UserError unless both give the same scores; `batches` are those of the first one.

    `of_pixels` may also take what the first one takes.
    """
    sessions = [make_session(model, threads=1) for model in (quantized, of_pixels)]
    fitted = batches.fitted(of_pixels)
    for preprocessed, pixels in zip(batches, fitted, strict=True):
        expected = run_scores(sessions[0], batches.interface, preprocessed)
        found = run_scores(sessions[1], fitted.interface, pixels)
        if not np.array_equal(expected, found):
            raise UserError(
                f"quantization: scores of the model as it is stored are up to "
                f"{np.abs(found - expected).max():.3g} off; set model.input_type, or input_type of "
                "the recipe, to float32, or leave quantization.nodes_to_exclude empty"
            )


def _transposes(graph: onnx.GraphProto, name: str) -> Iterator[onnx.NodeProto]:
    """Yield the nodes that turn the axes of the input before anything else reads it."""
    while True:
        readers = [node for node in graph.node if name in _reads(node)]
        if len(readers) != 1 or readers[0].op_type != "Transpose":
            return
        yield readers[0]
        name = readers[0].output[0]


def _gives_pixels(node: onnx.NodeProto, steps: Steps, arrays: Mapping[str, np.ndarray]) -> bool:
    """Tell whether a node quantizes each preprocessed pixel to its own value, of each channel."""
    if node.op_type != "QuantizeLinear" or any(name not in arrays for name in node.input[1:]):
        return False
    scale = arrays[node.input[1]]
    zero_point = arrays[node.input[2]] if len(node.input) > 2 else np.zeros((), np.uint8)
    if scale.size != 1 or zero_point.dtype != np.uint8:
        return False
    values = PIXELS
    for operator, value in steps:
        values = OPERATORS[operator](values, value)
    levels = np.clip(np.rint(values / scale.reshape(())) + zero_point.reshape(()), 0, 255)
    return bool(np.all(levels == PIXELS))


def _preprocess(model: onnx.ModelProto, pixels: str, steps: Steps) -> list[onnx.NodeProto]:
    """Return the nodes from uint8 pixels to float32 images; their constants go into the model."""
    taken = all_names(model)
    name = free_name(f"{pixels}_float", taken)
    nodes = [helper.make_node("Cast", [pixels], [name], name=name, to=TensorProto.FLOAT)]
    for operator, value in steps:
        operand = free_name(f"{pixels}_{operator.lower()}_by", taken)
        model.graph.initializer.append(numpy_helper.from_array(value, operand))
        name = free_name(f"{pixels}_{operator.lower()}", taken)
        nodes.append(helper.make_node(operator, [nodes[-1].output[0], operand], [name], name=name))
    return nodes


def _reads(node: onnx.NodeProto) -> set[str]:
    """Return the names of the tensors that a node reads, or a graph inside it."""
    return set(node.input).union(*map(used_names, inner_graphs(node)))


def _rename(node: onnx.NodeProto, old: str, new: str) -> None:
    """Let a node, and the graphs inside it, read another tensor."""
    node.input[:] = [new if name == old else name for name in node.input]
    for graph in inner_graphs(node):
        for value in graph.output:
            value.name = new if value.name == old else value.name
        for inner in graph.node:
            _rename(inner, old, new)
