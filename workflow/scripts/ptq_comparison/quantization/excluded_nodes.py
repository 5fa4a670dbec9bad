"""Keep excluded nodes in float32 that onnxruntime would quantize when a session starts."""

from collections import defaultdict
from collections.abc import Collection

import onnx

from ptq_comparison.model.graph import all_names, copy_model, free_name

# Types of nodes that onnxruntime's optimizer WeightBiasQuantization quantizes, and looks through.
QUANTIZED_AT_START = ("Conv", "ConvTranspose", "Gemm")
LOOKED_THROUGH = ("Relu", "Clip")
KEPT_SUFFIX = "_kept_in_float"  # of the tensor before the node that keeps the optimizer off


def separate_constants(model: onnx.ModelProto, excluded: Collection[str]) -> onnx.ModelProto:
    """Return the model with own constants for excluded nodes, where others share theirs.

    Else they would get the rounded ones, and run in integers where these are weights. A model
    without such nodes comes back itself.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    shared = {
        name
        for node in model.graph.node
        if node.name not in excluded
        for name in node.input
        if name in constants
    }
    taken, made = all_names(model), copy_model(model)
    copied = False
    for node in made.graph.node:
        for place, name in enumerate(node.input):
            if node.name in excluded and name in shared:
                copy = made.graph.initializer.add()
                copy.CopyFrom(constants[name])
                copy.name = node.input[place] = free_name(f"{name}_float", taken)
                copied = True
    return made if copied else model


def keep_in_float(model: onnx.ModelProto) -> list[str]:
    """Make onnxruntime run weighted nodes in float32 that have float32 weights; return their names.

    When a session starts, onnxruntime quantizes the float32 weights of a node between
    DequantizeLinear and QuantizeLinear, to 8 bits with one scale a tensor: an excluded convolution
    among quantized ones runs in integers after all, and less exactly than if it had not been
    excluded (seen with 1.32; see pull request 24537 of microsoft/onnxruntime). A LeakyRelu of slope
    1 behind the node, which changes no value, keeps that optimizer off, and is then merged
    into the node by another one. Changes `model`.
    """
    graph = model.graph
    weights = {initializer.name for initializer in graph.initializer}
    producers = {output: node.op_type for node in graph.node for output in node.output}
    consumers = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            consumers[name].append(node)

    def is_rounded(output: str) -> bool:
        following = consumers[output]
        while len(following) == 1 and following[0].op_type in LOOKED_THROUGH:
            following = consumers[following[0].output[0]]
        return [node.op_type for node in following] == ["QuantizeLinear"]

    found = [
        node
        for node in graph.node
        if node.op_type in QUANTIZED_AT_START
        and node.input[1] in weights
        and producers.get(node.input[0]) == "DequantizeLinear"
        and is_rounded(node.output[0])
    ]
    for node in found:
        output = node.output[0]
        node.output[0] = f"{output}{KEPT_SUFFIX}"
        identity = onnx.helper.make_node(
            "LeakyRelu", [node.output[0]], [output], name=f"{node.name}_keep_in_float", alpha=1.0
        )
        graph.node.insert(list(graph.node).index(node) + 1, identity)
    return [node.name for node in found]
