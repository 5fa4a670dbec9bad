"""Ranges of activations as onnxruntime gets them: without infinite ones."""

from collections import Counter
from collections.abc import Collection

import numpy as np
import onnx
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from ptq_comparison.model.layers import UNBOUNDED, largest, named_constants
from ptq_comparison.quantization.stored_tensors import MERGED_ACTIVATIONS

INFINITE = "an input or output is infinite"
QDQ_TYPES = {*QDQRegistry, *QLinearOpsRegistry}


def unbounded_nodes(model: onnx.ModelProto, ranges: TensorsData) -> dict[str, str]:
    """Return the outputs of nodes at infinite tensors, and why they are kept in float32."""
    infinite = {name for name, data in ranges.items() if _reach(data) >= UNBOUNDED}
    infinite |= {n for n, tensor in named_constants(model) if largest(tensor) >= UNBOUNDED}
    return {
        node.output[0]: INFINITE
        for node in model.graph.node
        if node.op_type in QDQ_TYPES and infinite.intersection((*node.input, *node.output))
    }


def limits(ranges: TensorsData) -> dict[str, tuple[float, float]]:
    """Return the lowest and the highest value of each tensor."""
    return {
        name: (float(np.min(data.lowest)), float(np.max(data.highest)))
        for name, data in ranges.items()
    }


def fitted_ranges(
    model: onnx.ModelProto, ranges: TensorsData, kept: Collection[str]
) -> TensorsData:
    """Return ranges without infinite ones, and with those of kept activations before them.

    What an activation cuts off needs no levels: onnxruntime itself does so for those that it knows
    of.
    """
    data = {name: limits for name, limits in ranges.items() if _reach(limits) < UNBOUNDED}
    readers = Counter(name for node in model.graph.node for name in node.input)
    for node in model.graph.node:
        before, after = [*node.input, ""][0], node.output[0]
        cuts = node.op_type in MERGED_ACTIVATIONS and after in kept
        if cuts and readers[before] == 1 and {before, after} <= data.keys():
            data[before] = data[after]
    return TensorsData(ranges.calibration_method, data)


def _reach(data: TensorData) -> float:
    return max(float(np.abs(data.lowest).max()), float(np.abs(data.highest).max()))
