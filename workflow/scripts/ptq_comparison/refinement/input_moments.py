"""The Hessian of a layer's output error: the second moments of the inputs of its weights."""

import math

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_batch
from ptq_comparison.model.graph import copy_model, extract
from ptq_comparison.model.layers import constants, to_rows

INPUT, PATCHES = "ptq_comparison_input", "ptq_comparison_patches"  # names that no model has
PATCH_BYTES = 2**24  # that are in memory at once, about
MOST_PATCHES = 128  # of an image, about
SYMMETRIC_FROM = 32  # inputs of an output: of fewer, all groups at once are faster


def input_hessians(model: onnx.ModelProto, node: onnx.NodeProto, batches: Batches) -> np.ndarray:
    """Return the sum of x x^T over all inputs x of the rows of a weight, float64 (groups, k, k).

    It is half the Hessian of the squared error of the layer's output. `node` is a Conv, MatMul or
    Gemm of the model, rows are those of `to_rows`. The inputs of a convolution are the patches
    under its kernel, in large images about `MOST_PATCHES` of them. Memory holds the layer's input
    for one batch, and four times `PATCH_BYTES` of patches, or those of one image where they are
    larger.
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
            width = values.shape[-1]
            values = values.reshape(len(values), groups, k, -1)
            values = values[..., :: patch_step(values.shape[-1], width)]
            hessians += _outer_products(np.moveaxis(values, 0, 2).reshape(groups, k, -1))
    return hessians


def patch_step(positions: int, width: int) -> int:
    """Return of how many patches of an image one is looked at: neighbours tell nearly the same.

    It has no divisor in common with the width, so that those looked at lie in all columns.
    """
    step = max(1, positions // MOST_PATCHES)
    while math.gcd(step, width) > 1:
        step -= 1
    return step


def _outer_products(inputs: np.ndarray) -> np.ndarray:
    """Return the sum of x x^T over the columns x, float64, of inputs (groups, k, columns)."""
    # In float32 the order of sums, that is the batch size, would now and then tip a rounding.
    wide = inputs.astype(np.float64)
    if inputs.shape[1] < SYMMETRIC_FROM:
        products: np.ndarray = wide @ wide.transpose(0, 2, 1)
        return products
    # Of one matrix and itself, NumPy computes a half.
    return np.stack([group @ group.T for group in wide])


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
    # The same convolution, but each kernel takes one pixel of the patch over as it is, and sees one
    # channel alone.
    taps = int(np.prod(shape[2:]))
    ones = np.tile(np.eye(taps, dtype=np.float32), (kernels // taps, 1))
    ones = ones.reshape(kernels, 1, *shape[2:])
    tap = onnx.NodeProto()
    tap.CopyFrom(node)
    others = [value for value in tap.attribute if value.name != "group"]
    del tap.attribute[:]
    tap.attribute.extend([*others, helper.make_attribute("group", kernels // taps)])
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
