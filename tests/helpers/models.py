"""Small float32 models with known weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper


def make_classifier(layout: str = "NHWC", batch: int | str = "batch", side: int = 8) -> ModelProto:
    """Return an ONNX classifier that names the brightest of three channels."""
    shape = [batch, side, side, 3] if layout == "NHWC" else [batch, 3, side, side]
    generator = np.random.default_rng(0)
    weights = 0.0001 * generator.normal(size=(3, 3, 3, 3))
    weights[range(3), range(3), 1, 1] += 0.02
    nodes = [
        helper.make_node("Conv", ["nchw", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], name="pool"),
        helper.make_node("Flatten", ["g"], ["f"], name="flatten"),
        helper.make_node("Softmax", ["f"], ["scores"], name="softmax"),
    ]
    if layout == "NHWC":
        transpose = helper.make_node(
            "Transpose", ["image"], ["nchw"], name="transpose", perm=[0, 3, 1, 2]
        )
        nodes.insert(0, transpose)
    else:
        nodes[0].input[0] = "image"
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(weights.astype(np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def make_nan_classifier() -> ModelProto:
    """Return the classifier with weights that are not numbers."""
    model = make_classifier()
    weights = np.full((3, 3, 3, 3), np.nan, np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    return model


def make_outlier_classifier() -> ModelProto:
    """Return the classifier with a node `outlier` that 8 bits for a whole tensor make useless.

    It passes on three channels as they are; a fourth one, always 0, has a weight that stretches the
    grid until the others round to 0.
    """
    model = make_classifier()
    nodes, weights = model.graph.node, model.graph.initializer[0]
    wider = np.pad(numpy_helper.to_array(weights), [(0, 1), (0, 0), (0, 0), (0, 0)])
    weights.CopyFrom(numpy_helper.from_array(wider, "w"))
    passing = np.hstack([np.eye(3), np.full((3, 1), 1000.0)]).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(passing[..., None, None], "passing"))
    pool = next(place for place, node in enumerate(nodes) if node.name == "pool")
    nodes.insert(pool, helper.make_node("Conv", ["r", "passing"], ["o"], name="outlier"))
    nodes[pool + 1].input[0] = "o"
    return model


def make_network(
    layers: Sequence[tuple[str, dict[str, Any], dict[str, np.ndarray]]],
    channels: int = 3,
    side: int = 8,
    batch: int | str = "batch",
) -> ModelProto:
    """Return an NCHW model of operators in a row: type, attributes, and constants by name.

    Constants are float32 further inputs in their order; nodes are named by their position, as in
    conv0, and give a tensor of that name. The output has the shape (batch, classes).
    """
    tensor, nodes, constants = "image", [], []
    for position, (op_type, attributes, arrays) in enumerate(layers):
        name = f"{op_type.lower()}{position}"
        nodes.append(helper.make_node(op_type, [tensor, *arrays], [name], name=name, **attributes))
        constants += [
            numpy_helper.from_array(array.astype(np.float32), key) for key, array in arrays.items()
        ]
        tensor = name
    shape = [batch, channels, side, side]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(tensor, TensorProto.FLOAT, [batch, "classes"])],
        list({constant.name: constant for constant in constants}.values()),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return model


def make_pixel_classifier(layout: str = "NCHW", batch: int | str = "batch") -> ModelProto:
    """Return a classifier of three channels, 8 x 8, that takes uint8 pixels and scales them itself.

    It names the brightest channel, as `make_classifier` does, and gives logits.
    """
    shape = [batch, 8, 8, 3] if layout == "NHWC" else [batch, 3, 8, 8]
    generator = np.random.default_rng(0)
    weights = 0.01 * generator.normal(size=(3, 3, 3, 3))
    weights[range(3), range(3), 1, 1] += 4
    constants = {
        "factor": np.float32(1 / 255),
        "w": weights.astype(np.float32),
        "b": np.zeros(3, np.float32),
        "wide": np.float32(10 * np.eye(3)),
        "bias": np.zeros(3, np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["cast"], name="cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["cast", "factor"], ["scaled"], name="scale"),
        helper.make_node("Conv", ["scaled", "w", "b"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], name="pool"),
        helper.make_node("Flatten", ["g"], ["f"], name="flatten"),
        helper.make_node("Gemm", ["f", "wide", "bias"], ["scores"], name="gemm", transB=1),
    ]
    if layout == "NHWC":
        perm = [0, 3, 1, 2]
        transpose = helper.make_node("Transpose", ["scaled"], ["nchw"], name="turn", perm=perm)
        nodes.insert(2, transpose)
        nodes[3].input[0] = "nchw"
    graph = helper.make_graph(
        nodes,
        "pixels",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return model


def make_from_nodes(
    nodes: Sequence[NodeProto],
    constants: dict[str, Any],
    scores: Sequence[int | str] = ("batch", 4),
    side: int = 6,
    opset: int = 13,
) -> ModelProto:
    """Return a model of nodes from `image`, (batch, 3, side, side), to `scores`.

    Constants are of float32, unless they are arrays of another type than float64.
    """
    arrays = {name: np.asarray(values) for name, values in constants.items()}
    graph = helper.make_graph(
        list(nodes),
        "nodes",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, side, side])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, list(scores))],
        [
            numpy_helper.from_array(
                array.astype(np.float32) if array.dtype == np.float64 else array, name
            )
            for name, array in arrays.items()
        ],
    )
    opsets = [helper.make_opsetid("", opset)]
    if any(node.domain for node in nodes):
        opsets.append(helper.make_opsetid("com.microsoft", 1))
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
