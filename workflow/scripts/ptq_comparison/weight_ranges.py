"""Clip weights to the range whose levels hold them with the least squared error (MSE).

See `mse_ranges` for the method and its sources.
"""

from typing import Any

import numpy as np
import onnx

from ptq_comparison.layers import channel_axis, copy_model, own_weights, set_constant
from ptq_comparison.mse_ranges import best_ranges

# Steps from the lowest to the highest level of a weight with 8 and with 7 bits: onnxruntime takes
# signed ones from -127 to 127 and from -64 to 64.
STEPS = {("QInt8", False): 254, ("QInt8", True): 128, ("QUInt8", False): 255, ("QUInt8", True): 127}


def clip_weights(model: onnx.ModelProto, options: dict[str, Any]) -> onnx.ModelProto:
    """Return a copy of the float32 model with the weights of its layers clipped.

    `options` are those of `quantize`. onnxruntime takes the range of a weight from its extremes, so
    that clipping moves the range; by channel, where the options ask for that. Untouched are
    weights that several nodes share, and those of excluded nodes.
    """
    clipped = copy_model(model)
    steps = STEPS[options["weight_type"], options["reduce_range"]]
    # Where onnxruntime makes the range symmetric about 0: also by channel in QDQ models.
    symmetric = options["weight_type"] == "QInt8" or (
        options["per_channel"] and options["format"] == "QDQ"
    )
    for node, weight in own_weights(model):
        if node.name in options["nodes_to_exclude"]:
            continue
        axis = channel_axis(node)
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
