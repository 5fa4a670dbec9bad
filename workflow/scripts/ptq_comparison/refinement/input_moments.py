"""The Hessian of a layer's output error: the second moments of the inputs of its weights."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_batch
from ptq_comparison.model.graph import copy_model, extract
from ptq_comparison.model.layers import constants, to_rows

INPUT, PATCHES = "ptq_comparison_input", "ptq_comparison_patches"  # names that no model has
PATCH_BYTES = 2**24  # that are in memory at once, about


def input_hessians(model: onnx.ModelProto, node: onnx.NodeProto, batches: Batches) -> np.ndarray:
    """Return the sum of x x^T over all inputs x of the rows of a weight, float64 (groups, k, k).

    It is half the Hessian of the squared error of the layer's output. `node` is a Conv, MatMul or
    Gemm of the model, rows are those of `to_rows`. The inputs of a convolution are the patches
    under its kernel. Memory holds the layer's input for one batch, and four times `PATCH_BYTES` of
    patches, or those of one image where they are larger.
    """
    weight = constants(model)[node.input[1]]
    groups, _, k = to_rows(node, weight).shape
    session = make_session(_input_model(model, node), threads=1)
    patches = None
    if node.op_type == "Conv":
        patches = make_session(_patch_model(model, node, weight.shape, groups * k), threads=1)
    hessians = np.zeros((groups, k, k))
    for batch in batches:
        (given,) = run_batch(session, [INPUT], batch)
        if patches is None:  # (..., k)
            hessians += _outer_products(given.reshape(1, -1, k).transpose(0, 2, 1))
            continue
        # An image has at most as many patches as pixels, but for padding.
        images = max(1, PATCH_BYTES // (given[0].nbytes * int(np.prod(weight.shape[2:]))))
        for start in range(0, len(given), images):
            (values,) = patches.run(None, {INPUT: given[start : start + images]})
            values = values.reshape(len(values), groups, k, -1)
            hessians += _outer_products(np.moveaxis(values, 0, 2).reshape(groups, k, -1))
    return hessians


def _outer_products(inputs: np.ndarray) -> np.ndarray:
    """Return the sum of x x^T over the columns x, float64, of inputs (groups, k, columns)."""
    # In float32 the order of sums, that is the batch size, would now and then tip a rounding.
    wide = inputs.astype(np.float64)
    products: np.ndarray = wide @ wide.transpose(0, 2, 1)
    return products


def _input_model(model: onnx.ModelProto, node: onnx.NodeProto) -> onnx.ModelProto:
    """Return a model that ends in what a layer is given."""
    copy = copy_model(model)
    copy.graph.node.append(helper.make_node("Identity", [node.input[0]], [INPUT], name=INPUT))
    return extract(copy, [INPUT])


def _patch_model(
    model: onnx.ModelProto, node: onnx.NodeProto, shape: tuple[int, ...], kernels: int
) -> onnx.ModelProto:
    """Return a model of one node, from the input of a convolution to its patches.

    It takes any number of images, also where the model has a fixed batch size.
    """
    # The same convolution, but each kernel takes one pixel of the patch over as it is.
    identity = np.eye(int(np.prod(shape[1:])), dtype=np.float32)
    ones = np.tile(identity, (kernels // len(identity), 1)).reshape(kernels, *shape[1:])
    tap = onnx.NodeProto()
    tap.CopyFrom(node)
    tap.input[:] = [INPUT, f"{PATCHES}_kernels"]
    tap.output[0] = tap.name = PATCHES
    sizes = [None] * len(shape)
    graph = helper.make_graph(
        [tap],
        PATCHES,
        [helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info(PATCHES, onnx.TensorProto.FLOAT, sizes)],
        [numpy_helper.from_array(ones, tap.input[1])],
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
