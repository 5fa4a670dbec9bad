"""Weights clipped to their best range, as onnxruntime then quantizes them."""

import itertools

import numpy as np
import pytest
from helpers import OPTIONS, RAW, Quantizer, make_images, make_network
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.graph import copy_model
from ptq_comparison.model.layers import constants, set_constant
from ptq_comparison.quantization.quantized_weights import stored_weights
from ptq_comparison.refinement.weight_clipping import clip_weights

CASES = [
    *itertools.product(("QInt8", "QUInt8"), (False, True), (False, True), [{}]),
    ("QInt8", False, False, {"WeightSymmetric": False}),
    ("QUInt8", False, True, {"WeightSymmetric": True}),
]


def with_tails():
    """A convolution with heavy-tailed weights, and what makes a classifier of it."""
    weights = np.random.default_rng(0).laplace(size=(256, 3, 5, 5)) / 1000
    return make_network(
        [
            ("Conv", {"pads": [2, 2, 2, 2]}, {"w": weights}),
            ("GlobalAveragePool", {}, {}),
            ("Flatten", {}, {}),
        ]
    )


def restored(quantized):
    """The weights that a quantized model computes with."""
    (weight,) = stored_weights(quantized)
    shape = [1] * weight.values.ndim
    shape[weight.axis if weight.scale.size > 1 else 0] = -1
    scale, zero = weight.scale.reshape(shape), weight.zero_point.reshape(shape).astype(int)
    return scale * (weight.values.astype(int) - zero)


@pytest.mark.parametrize(("weight_type", "per_channel", "reduce_range", "extra"), CASES)
def test_onnxruntime_stores_weights_with_less_error_than_without(
    tmp_path, weight_type, per_channel, reduce_range, extra
):
    model = with_tails()
    options = {
        **OPTIONS,
        "weight_type": weight_type,
        "per_channel": per_channel,
        "reduce_range": reduce_range,
        "extra_options": extra,
    }
    images, _ = make_images(20, seed=0)
    quantize = Quantizer(model, Batches.of(images, model, RAW, 10), tmp_path, **options)
    clipped = clip_weights(model, options)
    exact = constants(model)["w"]
    before = np.sum((restored(quantize(model)) - exact) ** 2)
    found = restored(quantize(clipped))
    # A channel has 75 weights: too few for a tail that is worth clipping.
    gain = 1.001 if per_channel else 0.95
    assert np.sum((found - exact) ** 2) <= gain * before
    # No threshold of a finer search is much better.
    axis = (1, 2, 3) if per_channel else None
    low, high = (end(exact, axis=axis, keepdims=True) for end in (np.min, np.max))
    errors = []
    for part in np.arange(0.4, 1.0, 0.02, np.float32):
        cut = copy_model(model)
        set_constant(cut, "w", np.clip(exact, part * low, part * high))
        errors.append(np.sum((restored(quantize(cut)) - exact) ** 2, axis=axis))
    assert np.sum((found - exact) ** 2) <= 1.02 * np.sum(np.min(errors, axis=0))


@pytest.mark.parametrize(
    "float_nodes", [{"nodes_to_exclude": ["conv0"]}, {"op_types_to_quantize": ["MatMul"]}]
)
def test_nodes_in_float_and_the_model_itself_stay_as_they_are(float_nodes):
    model = with_tails()
    before = model.SerializeToString()
    clipped = clip_weights(model, {**OPTIONS, **float_nodes, "reduce_range": True})
    assert clipped.SerializeToString() == before
    changed = clip_weights(model, {**OPTIONS, "op_types_to_quantize": ["Conv"]})
    assert model.SerializeToString() == before
    assert changed.SerializeToString() != before


def test_a_vector_has_no_channels():
    layers = [("Flatten", {}, {}), ("MatMul", {}, {"w": np.r_[np.zeros(191), 9.0]})]
    model = make_network(layers)
    assert clip_weights(model, {**OPTIONS, "per_channel": True}) == model
