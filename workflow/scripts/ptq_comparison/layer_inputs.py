"""The second moments of what the weights of a layer are multiplied with."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ptq_comparison.inference import Batches, make_session, run_batch
from ptq_comparison.layers import constants, to_rows
from ptq_comparison.models import copy_model, extract

PATCHES = "ptq_comparison_patches"  # a name that no model has


def input_moments(model: onnx.ModelProto, node: onnx.NodeProto, batches: Batches) -> np.ndarray:
    """Return the sum of x x^T over all inputs x of the rows of a weight, float64 (groups, k, k).

    `node` is a Conv, MatMul or Gemm of the model, rows are those of `to_rows`. The inputs of a
    convolution are the patches under its kernel. Memory holds four times those of one batch.
    """
    weight = constants(model)[node.input[1]]
    groups, _, k = to_rows(node, weight).shape
    session = make_session(_patch_model(model, node, weight.shape, groups * k), threads=1)
    moments = np.zeros((groups, k, k))
    for batch in batches:
        (values,) = run_batch(session, [PATCHES], batch)
        if node.op_type == "Conv":  # (N, groups * k, height, width)
            values = np.moveaxis(values.reshape(len(values), groups, k, -1), 0, 2)
        else:  # (..., k)
            values = values.reshape(-1, k).T
        # In float32 the order of sums, that is the batch size, would now and then tip a rounding.
        inputs = values.reshape(groups, k, -1).astype(np.float64)
        moments += inputs @ inputs.transpose(0, 2, 1)
    return moments


def _patch_model(
    model: onnx.ModelProto, node: onnx.NodeProto, shape: tuple[int, ...], kernels: int
) -> onnx.ModelProto:
    """Return a model that ends in the patches of a convolution, or the input of a product."""
    copy = copy_model(model)
    if node.op_type == "Conv":
        # The same convolution, but each kernel takes one pixel of the patch over as it is.
        identity = np.eye(int(np.prod(shape[1:])), dtype=np.float32)
        ones = np.tile(identity, (kernels // len(identity), 1)).reshape(kernels, *shape[1:])
        copy.graph.initializer.append(numpy_helper.from_array(ones, f"{PATCHES}_kernels"))
        tap = onnx.NodeProto()
        tap.CopyFrom(node)
        del tap.input[1:]
        tap.input.append(f"{PATCHES}_kernels")
        tap.output[0] = tap.name = PATCHES
    else:
        tap = helper.make_node("Identity", [node.input[0]], [PATCHES], name=PATCHES)
    copy.graph.node.append(tap)
    return extract(copy, [PATCHES])
