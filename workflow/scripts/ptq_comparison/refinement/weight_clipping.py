"""Clip weights to the range whose levels hold them with the least squared error (MSE).

See `mse_ranges` for the method and its sources.
"""

from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization.quant_utils import get_qmin_qmax_for_qType

from ptq_comparison.calibration.mse_ranges import best_ranges
from ptq_comparison.model.graph import copy_model
from ptq_comparison.model.layers import channel_axis, own_weights, set_constant
from ptq_comparison.quantization.checks import TENSOR_TYPES


def clip_weights(model: onnx.ModelProto, options: dict[str, Any]) -> onnx.ModelProto:
    """Return a copy of the float32 model with the weights of its layers clipped.

    `options` are those of `quantize`. onnxruntime takes the range of a weight from its extremes, so
    that clipping moves the range; by channel, where the options ask for that. Untouched are
    weights that several nodes share, those of nodes that stay in float32, and vectors.

    What is clipped shifts the mean output of a layer, and that may cost more than the finer grid
    gains: `correct_biases` with the unclipped model as reference takes the shift back.
    """
    clipped = copy_model(model)
    symmetric = _is_symmetric(options)
    lowest, highest = get_qmin_qmax_for_qType(
        TENSOR_TYPES[options["weight_type"]], options["reduce_range"], symmetric
    )
    steps = int(highest) - int(lowest)
    types = options["op_types_to_quantize"]
    for node, weight in own_weights(model):
        if node.name in options["nodes_to_exclude"] or (types and node.op_type not in types):
            continue
        axis = channel_axis(node)
        if weight.ndim <= axis:
            continue
        channels = np.moveaxis(weight, axis, 0) if options["per_channel"] else weight[np.newaxis]
        rows = channels.reshape(len(channels), -1).astype(np.float64)
        low, high = rows.min(axis=1), rows.max(axis=1)
        ends = np.array([np.minimum(low, 0), np.maximum(high, 0)])
        if symmetric:
            largest = np.maximum(-ends[0], ends[1])
            ends = np.array([-largest, largest])
        low, high = best_ranges(rows, np.ones(1), ends, steps, symmetric)
        inside = np.clip(rows, low[:, np.newaxis], high[:, np.newaxis]).reshape(channels.shape)
        values = np.moveaxis(inside, 0, axis) if options["per_channel"] else inside[0]
        set_constant(clipped, node.input[1], values)
    return clipped


def _is_symmetric(options: dict[str, Any]) -> bool:
    """Tell whether onnxruntime makes the ranges of weights symmetric about 0."""
    if options["per_channel"] and options["format"] == "QDQ":
        return True  # whatever the options say
    asked = options["extra_options"].get("WeightSymmetric", options["weight_type"] == "QInt8")
    return bool(asked)
