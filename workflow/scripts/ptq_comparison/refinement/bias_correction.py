"""Shift biases by the error that quantization makes on average.

M. Nagel, M. van Baalen, T. Blankevoort and M. Welling, "Data-Free Quantization Through Weight
Equalization and Bias Correction", ICCV 2019: the error of quantized weights and inputs does not
average to 0, and shifts the output of a layer. Section 4.2 derives the shift from batch
normalization; with real images, as here, it is measured (their appendix, empirical correction).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization.quant_utils import TENSOR_NAME_QUANT_SUFFIX

from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_batch
from ptq_comparison.model.graph import attribute, copy_model, extract
from ptq_comparison.model.layers import channel_axis, constants, own_weights, set_constant
from ptq_comparison.quantization.quantized_weights import stored_weights


def correct_biases(
    model: onnx.ModelProto,
    quantize: Callable[[onnx.ModelProto], onnx.ModelProto],
    batches: Batches,
    reference: onnx.ModelProto | None = None,
) -> onnx.ModelProto:
    """Return a copy of the float32 model whose quantization has the right mean outputs.

    `quantize` makes a QDQ model of a float32 one, each time with the same ranges and options. In
    the order of the graph, each output channel of a quantized Conv or Gemm gets, before any
    activation, the mean that it has in `reference` on the images of `batches`: the float32 model
    with the same nodes before its weights were changed, by default `model` itself. A layer without
    bias gets one. Untouched are MatMul, whose bias would be that of a later Add, a Gemm whose bias
    is no vector of its outputs, and weights and biases that are not constant or shared.

    The cost is one quantization of the model and one pass over `batches` to that layer a layer.
    """
    corrected = copy_model(model)
    held = _outputs(quantize(model))
    layers = [(n, outputs) for n, outputs in _correctable(corrected) if n.input[1] in held]
    if not layers:
        return corrected
    wanted = channel_means(reference or model, [n.output[0] for n, _ in layers], batches)
    for (node, outputs), mean in zip(layers, wanted, strict=True):
        quantized = quantize(corrected)
        (found,) = channel_means(quantized, [_outputs(quantized)[node.input[1]]], batches)
        name = _bias(corrected, node, outputs)
        bias = constants(corrected)[name]
        shift = (found - mean) / attribute(node, "beta", 1.0)
        set_constant(corrected, name, bias - shift.reshape(bias.shape))
    return corrected


def channel_means(
    model: onnx.ModelProto, tensors: Sequence[str], batches: Batches
) -> list[np.ndarray]:
    """Return the mean of each tensor over all axes but axis 1, float64 (channels,).

    The graph is run as it is, in a session of one thread: tensors of a quantized model would not
    outlive its optimization.
    """
    session = make_session(extract(model, tensors), threads=1, optimize=False)
    sums, counts = [np.zeros(()) for _ in tensors], [0 for _ in tensors]
    for batch in batches:
        for index, values in enumerate(run_batch(session, tensors, batch)):
            axes = tuple(axis for axis in range(values.ndim) if axis != 1)
            sums[index] = sums[index] + values.sum(axis=axes, dtype=np.float64)
            counts[index] += values.size // values.shape[1]
    return [total / count for total, count in zip(sums, counts, strict=True)]


def _correctable(model: onnx.ModelProto) -> Iterator[tuple[onnx.NodeProto, int]]:
    """Yield Conv and Gemm nodes with an own constant bias, or none, and the number of outputs."""
    arrays = constants(model)
    uses = Counter(name for node in model.graph.node for name in node.input)
    for node, weight in own_weights(model):
        if node.op_type not in ("Conv", "Gemm") or attribute(node, "beta", 1.0) == 0:
            continue
        outputs = weight.shape[channel_axis(node)]
        bias = next(iter(node.input[2:]), "")
        if not bias or (
            bias in arrays and uses[bias] == 1 and arrays[bias].shape in ((outputs,), (1, outputs))
        ):
            yield node, outputs


def _bias(model: onnx.ModelProto, node: onnx.NodeProto, outputs: int) -> str:
    """Return the name of the bias of a node, zeros that are added if it has none."""
    if not any(node.input[2:]):
        name = f"{node.input[1]}_corrected_bias"
        del node.input[2:]
        node.input.append(name)
        zeros = np.zeros(outputs, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(zeros, name))
    return str(node.input[2])


def _outputs(quantized: onnx.ModelProto) -> dict[str, str]:
    """Return the output of each layer with a stored weight, by the name of the float weight.

    Where a Relu follows, onnxruntime removes it and gives the output another name.
    """
    return {
        weight.name.removesuffix(TENSOR_NAME_QUANT_SUFFIX): weight.node.output[0]
        for weight in stored_weights(quantized)
    }
