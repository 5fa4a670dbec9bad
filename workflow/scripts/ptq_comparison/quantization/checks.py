"""Checks of a quantized model: stored types, scales and weights, and its outputs.

They raise UserError, since the remedy is another option of the configuration.
"""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_scores
from ptq_comparison.model.graph import attribute, describe, real_inputs
from ptq_comparison.model.interface import float_image
from ptq_comparison.quantization.quantized_weights import stored_weights

# onnxruntime's name of a type, and ONNX's.
TENSOR_TYPES = {
    "QInt8": TensorProto.INT8,
    "QUInt8": TensorProto.UINT8,
    "QInt16": TensorProto.INT16,
    "QUInt16": TensorProto.UINT16,
}

CHANGE_OPTION = "change the option, or exclude the node in quantization.nodes_to_exclude"
SIGNED_BY_CHANNEL = "by channel set format to QDQ, or give the dtype signed weights, as u8s8 has"

# Lowest and highest level with reduce_range. By channel in QDQ models, unsigned weights have
# symmetric grids, of 129 levels.
SEVEN_BIT_LEVELS = {"QInt8": (-64, 64), "QUInt8": (0, 128)}


def check_per_channel(model: onnx.ModelProto, section: str, excluded: Sequence[str]) -> None:
    """Raise UserError for a ConvTranspose with groups, which onnxruntime damages by channel.

    It takes the channels of one group for all output channels. `section` is where `per_channel` is
    asked for.
    """
    for node in model.graph.node:
        grouped = node.op_type == "ConvTranspose" and attribute(node, "group", 1) > 1
        if grouped and node.name not in excluded:
            raise UserError(
                f"{section}.per_channel: onnxruntime cannot quantize {describe(node)} by channel, "
                f"since it has groups; set it to false, or name the node in {section}"
                ".nodes_to_exclude"
            )


def is_quantized(model: onnx.ModelProto) -> bool:
    """Tell whether a model has QuantizeLinear or QLinear operators."""
    types = {node.op_type for node in model.graph.node}
    return "QuantizeLinear" in types or any(name.startswith("QLinear") for name in types)


def check_stored(model: onnx.ModelProto, options: dict[str, Any]) -> None:
    """Raise UserError unless the model is quantized as its `quantization_options` ask."""
    if not is_quantized(model):
        if options["nodes_to_exclude"] or options["op_types_to_quantize"]:
            raise UserError(
                "quantization.nodes_to_exclude, quantization.op_types_to_quantize: nothing was "
                "quantized; leave something to quantize"
            )
        types = ", ".join(sorted({node.op_type for node in model.graph.node}))
        raise UserError(
            f"model.source: nothing was quantized: onnxruntime has no 8-bit operator in format "
            f"{options['format']} for any of {types}; change quantization.format, or give a model "
            "with convolutions or matrix products"
        )
    own = tensor_types(model, options)
    for name, data_type in _activation_types(model):
        asked = own.get(name, options["activation_type"])
        if data_type != TENSOR_TYPES[asked]:
            _refuse(name, "activations", _type_name(data_type), asked)
    weights = list(stored_weights(model))
    for weight in weights:
        if weight.data_type != TENSOR_TYPES[options["weight_type"]]:
            # What onnxruntime does by channel with unsigned weights in QOperator models.
            signed = options["per_channel"] and options["format"] == "QOperator"
            remedy = SIGNED_BY_CHANNEL if signed else CHANGE_OPTION
            found = _type_name(weight.data_type)
            _refuse(weight.name, "weights", found, options["weight_type"], remedy)
        channels = weight.values.shape[weight.axis]
        if not options["per_channel"]:
            allowed: tuple[int, ...] = (1,)
        elif weight.values.ndim == 4:  # onnxruntime quantizes every convolution by channel
            allowed = (channels,)
        else:  # and only some of the other operators
            allowed = (1, channels)
        if weight.scale.size not in allowed:
            asked = " or ".join(map(str, allowed))
            _refuse(weight.name, "scales", str(weight.scale.size), asked)
    if weights:
        low = min(int(weight.values.min()) for weight in weights)
        high = max(int(weight.values.max()) for weight in weights)
        smallest, largest = SEVEN_BIT_LEVELS[options["weight_type"]]
        within = smallest <= low and high <= largest
        # Fewer levels than 7 bits are those of scales that were widened for a bias; 128 alone is 0.
        reaches = low < high and (low == smallest or high == largest)
        if within != options["reduce_range"] and (not within or reaches):
            asked = "7 bits" if options["reduce_range"] else "8 bits"
            _refuse("of all layers", "weights", f"values from {low} to {high}", asked)


def tensor_types(model: onnx.ModelProto, options: dict[str, Any]) -> dict[str, str]:
    """Return the types that single activation tensors are to have, by their names in the model."""
    names = {"input": float_image(model)}
    return {names.get(key, key): kind for key, kind in options.get("tensor_types", {}).items()}


def check_outputs(model: onnx.ModelProto, float_model: onnx.ModelProto, batches: Batches) -> None:
    """Run the model on the first batch.

    Raises UserError when onnxruntime cannot load it, scores are not finite, or probabilities of a
    model that ends in Softmax do not sum to one.
    """
    batch = next(iter(batches))
    try:
        session = make_session(model, threads=1)
        scores = run_scores(session, batches.interface, batch)
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        raise UserError(
            f"quantization: onnxruntime cannot run the quantized model ({first_line(error)}); "
            "change format or types, or name the node in quantization.nodes_to_exclude"
        ) from error
    if not np.isfinite(scores).all():
        raise UserError("quantization: the quantized model gives scores that are not finite")
    if _ends_in_softmax(float_model):
        # Each probability is rounded to 8 bits, to 1/256 at the coarsest.
        tolerance = scores.shape[1] / 512 + 0.01
        worst = float(np.abs(scores.sum(axis=1) - 1).max())
        if worst > tolerance:
            raise UserError(
                f"quantization: the probabilities of an image sum to 1 only within {worst:.3f}, "
                f"rounding explains {tolerance:.3f}; use more calibration images, or name the last "
                "nodes in quantization.nodes_to_exclude"
            )


def _refuse(name: str, what: str, found: str, asked: str, remedy: str = CHANGE_OPTION) -> None:
    raise UserError(
        f"quantization: {what} of {name!r}: {found} stored, {asked} asked for; {remedy}"
    )


def _type_name(data_type: int) -> str:
    return str(TensorProto.DataType.Name(data_type))


def _activation_types(model: onnx.ModelProto) -> Iterator[tuple[str, int]]:
    """Yield the tensors that QuantizeLinear makes, and their types."""
    initializers = {i.name: i for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            zero_point = initializers[node.input[2]]
            yield node.input[0], zero_point.data_type


def _ends_in_softmax(model: onnx.ModelProto) -> bool:
    output = model.graph.output[0].name
    producers: Sequence[onnx.NodeProto] = [n for n in model.graph.node if output in n.output]
    return any(node.op_type == "Softmax" for node in producers)


def check_names(
    model: onnx.ModelProto,
    nodes_to_exclude: Sequence[str],
    op_types_to_quantize: Sequence[str],
    tensors: Iterable[str] = (),
    section: str = "quantization",
) -> None:
    """Raise UserError when a name is not in the model: onnxruntime would ignore it.

    `tensors` are names of activations with another type than the rest; `section` is where the names
    stand, in the configuration or among the recipes.
    """
    names = [node.name for node in model.graph.node]
    activations = [real_inputs(model)[0].name, *(o for n in model.graph.node for o in n.output)]
    types = sorted({node.op_type for node in model.graph.node})
    for key, wanted, known, what in (
        ("nodes_to_exclude", nodes_to_exclude, names, "node"),
        ("op_types_to_quantize", op_types_to_quantize, types, "operator of type"),
        ("tensor_types", tensors, activations, "tensor"),
    ):
        for name in wanted:
            if name not in known:
                matches = difflib.get_close_matches(name, known) or known[:3]
                raise UserError(
                    f"{section}.{key}: the model has no {what} {name!r}; "
                    f"it has for example {', '.join(map(repr, matches))}"
                )
