"""What the rounding of weights knows about the inputs of a layer.

The output y = w x of a row w of the weight has the sum of squares w (sum of x x^T) w^T: each sum
is compared with what the layer itself gives.
"""

import tracemalloc

import numpy as np
import pytest
from helpers import RAW, make_network
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.graph import extract
from ptq_comparison.model.layers import constants, to_rows
from ptq_comparison.refinement import input_moments
from ptq_comparison.refinement.input_moments import input_hessians, patch_step

GENERATOR = np.random.default_rng(3)
IMAGES = GENERATOR.integers(0, 256, (10, 8, 8, 4), dtype=np.uint8)
NCHW = {**RAW, "layout": "NCHW", "scale": 1 / 255}
POOL = [("GlobalAveragePool", {}, {}), ("Flatten", {}, {})]


def conv(*shape, **attributes):
    return [("Conv", attributes, {"w": GENERATOR.normal(size=shape)}), *POOL]


def product(op_type, *shape, **attributes):
    layer = (op_type, attributes, {"w": GENERATOR.normal(size=shape)})
    return [("Flatten", {}, {}), layer]


LAYERS = {
    "plain": conv(5, 4, 3, 3),
    "strides and pads": conv(5, 4, 3, 3, strides=[2, 1], pads=[0, 1, 2, 1]),
    "auto_pad": conv(5, 4, 3, 3, strides=[2, 2], auto_pad="SAME_LOWER"),
    "dilations": conv(5, 4, 3, 2, dilations=[2, 3]),
    "groups": conv(6, 2, 3, 3, group=2, pads=[1, 1, 1, 1]),
    "depthwise": conv(8, 1, 3, 3, group=4, pads=[1, 1, 1, 1]),
    "Gemm": product("Gemm", 256, 5),
    "Gemm transB": product("Gemm", 5, 256, transB=1),
    "MatMul": product("MatMul", 256, 5),
    "later": [
        ("Conv", {}, {"v": GENERATOR.normal(size=(3, 4, 1, 1))}),
        ("Relu", {}, {}),
        *conv(5, 3, 3, 3),
    ],
}


@pytest.mark.parametrize("batch", ["batch", 4])
@pytest.mark.parametrize("name", LAYERS)
def test_hessians_explain_the_outputs(name, batch):
    """A fixed batch of 4 leaves two images for the last one, which is filled up."""
    model = make_network(LAYERS[name], channels=4, batch=batch)
    node = next(node for node in model.graph.node if "w" in node.input)
    hessians = input_hessians(model, node, Batches.of(IMAGES, model, NCHW, 3))

    reference = make_network(LAYERS[name], channels=4)
    session = make_session(extract(reference, [node.output[0]]), threads=1)
    inputs = IMAGES.transpose(0, 3, 1, 2).astype(np.float32) / 255
    (output,) = session.run(None, {"image": inputs})
    axes = (0, *range(2, output.ndim))
    squares = np.sum(output.astype(np.float64) ** 2, axis=axes)

    rows = to_rows(node, constants(model)["w"])
    assert hessians.shape == (len(rows), rows.shape[2], rows.shape[2])
    explained = np.einsum("gri,gij,grj->gr", rows, hessians, rows).ravel()
    assert explained == pytest.approx(squares, rel=1e-4)


@pytest.mark.parametrize("batch", ["batch", 4])
@pytest.mark.parametrize("name", ["plain", "strides and pads", "depthwise", "Gemm"])
def test_slices_do_not_change_the_hessians(name, batch, monkeypatch):
    model = make_network(LAYERS[name], channels=4, batch=batch)
    node = next(node for node in model.graph.node if "w" in node.input)
    batches = Batches.of(IMAGES, model, NCHW, 10)
    whole = input_hessians(model, node, batches)
    monkeypatch.setattr(input_moments, "PATCH_BYTES", 1)  # one image at a time
    sliced = input_hessians(model, node, batches)
    assert np.abs(whole - sliced).max() < 1e-14 * np.abs(whole).max()


def test_memory_holds_a_slice_of_the_patches_of_a_batch(monkeypatch):
    layers = conv(4, 4, 5, 5, pads=[2, 2, 2, 2])
    model = make_network(layers, channels=4, side=32)
    node = model.graph.node[0]
    images = np.zeros((32, 32, 32, 4), np.uint8)
    patches = 4 * images.size * 25  # bytes, of the batch
    monkeypatch.setattr(input_moments, "PATCH_BYTES", patches // 16)
    tracemalloc.start()
    input_hessians(model, node, Batches.of(images, model, NCHW, 32))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < patches / 2


@pytest.mark.parametrize(("height", "width"), [(32, 32), (112, 112), (30, 35), (8, 8), (1, 400)])
def test_of_large_images_a_part_of_the_patches_is_looked_at_in_all_columns(height, width):
    step = patch_step(height * width, width)
    looked_at = np.arange(0, height * width, step)
    assert len(looked_at) >= min(height * width, input_moments.MOST_PATCHES)
    assert set(looked_at % width) == set(range(width)) or height == 1
    assert step == 1 or len(looked_at) < 2.1 * input_moments.MOST_PATCHES
