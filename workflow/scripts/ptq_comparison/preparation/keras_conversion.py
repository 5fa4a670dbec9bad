"""From Keras to ONNX with tf2onnx.

TensorFlow is large and takes seconds to import: it is imported only where needed.
"""

import gc
import re
from collections.abc import Callable
from typing import Any

import onnx

from ptq_comparison.common.errors import UserError, first_line

OPSET = 13  # the first with per-channel QuantizeLinear
COUNTER = re.compile(r"__\d+")  # in names that tf2onnx makes up


def convert(keras_model: Any, opset: int) -> onnx.ModelProto:
    """Return the ONNX model with one input, named `input`, of any batch size, and all its outputs.

    Raises UserError when the model has several inputs, or tf2onnx cannot convert it.
    """
    import tensorflow as tf
    import tf2onnx
    from tf2onnx.graph import GraphUtil

    try:
        inputs = list(keras_model.inputs or [])
    except ValueError:  # a Sequential that has never seen an image
        inputs = []
    if len(inputs) != 1:
        raise UserError(
            f"model.source: has {len(inputs)} inputs of a known shape; one image input is needed"
        )
    if not hasattr(keras_model, "output_names"):  # Sequential of Keras 3: tf2onnx looks for them
        import keras

        keras_model = keras.Model(inputs, keras_model.outputs, name=keras_model.name)
    dtype = tf.uint8 if tf.as_dtype(inputs[0].dtype) == tf.uint8 else tf.float32
    signature = (tf.TensorSpec((None, *inputs[0].shape[1:]), dtype, name="input"),)
    optimizers = _small_optimizers()
    try:
        model: onnx.ModelProto = tf2onnx.convert.from_keras(
            keras_model, input_signature=signature, opset=opset, optimizers=optimizers
        )[0]
    except Exception as error:  # whatever TensorFlow raises
        raise UserError(
            f"model.source: tf2onnx cannot convert the model ({first_line(error)}); convert it by "
            "other means and give the ONNX file"
        ) from error
    # tf2onnx walks through sets, and in some 4 % of its runs stops before the shape that Flatten
    # computes is folded into a constant. A second pass folds it.
    return number_names(GraphUtil.optimize_model_proto(model, optimizers=optimizers))


def _small_optimizers() -> dict[str, Callable[[], Any]]:
    """Return tf2onnx's optimizers, each with a collection of garbage before it.

    Each copies the graph, whose nodes refer to it, so that Python keeps the copies until it
    collects: at MobileNetV2 more than a gigabyte of them. What is there before is left out of
    the collections, since TensorFlow alone has a million objects.
    """
    from tf2onnx.optimizer import _get_optimizers

    gc.collect()
    gc.freeze()
    gc.set_threshold(500, 2, 2)  # the copies are of few objects, and large

    def collected(make: Callable[[], Any]) -> Callable[[], Any]:
        def made() -> Any:
            gc.collect()
            return make()

        return made

    return {name: collected(make) for name, make in _get_optimizers().items()}


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
