"""From Keras to ONNX with tf2onnx.

TensorFlow is large and takes seconds to import: it is imported only here, and only where needed.
"""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ptq_comparison.common.address import DELETE, is_downloaded
from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.scores import class_scores
from ptq_comparison.inference.session import make_session, run_scores
from ptq_comparison.model.opset import model_opset
from ptq_comparison.preparation.same_predictions import changed_predictions

OPSET = 13  # the first with per-channel QuantizeLinear
IMAGES = 1000  # that both models are compared on
BATCH_SIZE = 20
COUNTER = re.compile(r"__\d+")  # in names that tf2onnx makes up


def load_keras(path: Path) -> Any:
    """Read a Keras model from `.h5` or `.keras`, without running code that it may hold.

    Raises UserError when TensorFlow is not installed, or the file is no such model.
    """
    try:
        import keras
        import tensorflow  # noqa: F401  # the backend, which keras imports too late for this message
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"model.source: {path.name} is a Keras model, and {error.name} is not installed; run "
            "make convert, or give --software-deployment-method conda, or an ONNX file"
        ) from error
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # h5py, zipfile and keras raise whatever they like
        remedy = DELETE if is_downloaded(path) else "save it again"
        raise UserError(f"{path}: not a Keras model ({first_line(error)}); {remedy}") from error


def convert(keras_model: Any, opset: int) -> onnx.ModelProto:
    """Return the ONNX model with one input, named `input`, of any batch size.

    Raises UserError when the model has several inputs, or tf2onnx cannot convert it.
    """
    import tensorflow as tf
    import tf2onnx
    from tf2onnx.graph import GraphUtil

    if len(keras_model.inputs) != 1:
        raise UserError(
            f"model.source: has {len(keras_model.inputs)} inputs; one image input is needed"
        )
    shape = (None, *keras_model.inputs[0].shape[1:])
    signature = (tf.TensorSpec(shape, tf.float32, name="input"),)
    try:
        model: onnx.ModelProto = tf2onnx.convert.from_keras(
            keras_model, input_signature=signature, opset=opset
        )[0]
    except Exception as error:  # whatever TensorFlow raises
        raise UserError(
            f"model.source: tf2onnx cannot convert the model ({first_line(error)}); convert it by "
            "other means and give the ONNX file"
        ) from error
    # tf2onnx walks through sets, and in some 4 % of its runs stops before the shape that Flatten
    # computes is folded into a constant. A second pass folds it.
    return number_names(GraphUtil.optimize_model_proto(model))


def number_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the same model with the numbers that tf2onnx ends names with, `__123`, counted again.

    tf2onnx counts while it walks through sets, so that every run gives other numbers: in the order
    of the graph they, and with them the bytes of the model, are the same on every run. A model with
    graphs in its nodes (If, Loop) comes back as it is.
    """
    if any(attribute.HasField("g") for node in model.graph.node for attribute in node.attribute):
        return model
    graph, numbered = model.graph, dict[str, str]()

    def renamed(name: str) -> str:
        stem = COUNTER.sub("", name)
        return numbered.setdefault(name, name if stem == name else f"{stem}__{len(numbered)}")

    for node in graph.node:
        node.name = renamed(node.name)
        node.input[:] = map(renamed, node.input)
        node.output[:] = map(renamed, node.output)
    for value in (*graph.input, *graph.output):
        value.name = renamed(value.name)
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.HasField("dim_param"):
                dimension.dim_param = renamed(dimension.dim_param)
    for tensor in graph.initializer:
        tensor.name = renamed(tensor.name)
    order = {name: place for place, name in enumerate(numbered.values())}
    weights = sorted(graph.initializer, key=lambda tensor: order[tensor.name])
    del graph.value_info[:], graph.initializer[:]  # tf2onnx's shapes of tensors; onnx infers them
    graph.initializer.extend(weights)
    return model


def compare(
    keras_model: Any, model: onnx.ModelProto, images: np.ndarray, preprocessing: dict[str, Any]
) -> dict[str, Any]:
    """Run both models on the first images, uint8 (N, H, W, C).

    Returns `nodes`, `opset`, `images`, `same_top1` (the share of equal predictions),
    `largest_difference` of a score, and `versions`. Raises UserError when a prediction differs by
    more than rounding.
    """
    batches = Batches.of(images[:IMAGES], model, preprocessing, BATCH_SIZE)
    session = make_session(model, threads=1)
    interface = batches.interface
    pairs = []
    for batch in batches:
        answer = np.asarray(keras_model(batch.inputs[interface.input], training=False))
        expected = class_scores(answer, interface, batch.size)[: batch.images]
        pairs.append((expected, run_scores(session, interface, batch)))
    expected, found = (np.concatenate(scores) for scores in zip(*pairs, strict=True))
    wrong = changed_predictions(expected, found)
    if wrong:
        raise UserError(
            f"model.source: the converted model answers otherwise than Keras on {wrong} of "
            f"{len(expected)} images; convert it by other means and give the ONNX file"
        )
    return {
        "nodes": len(model.graph.node),
        "opset": model_opset(model),
        "images": len(expected),
        "same_top1": float((expected.argmax(axis=1) == found.argmax(axis=1)).mean()),
        "largest_difference": float(np.abs(expected - found).max()),
        "versions": {name: version(name) for name in ("keras", "tf2onnx", "onnx", "onnxruntime")},
    }
