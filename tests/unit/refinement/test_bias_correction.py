"""Correction of biases: the shift that quantization makes is known, and afterwards it is gone."""

import numpy as np
import pytest
from helpers import RAW, Quantizer, make_network
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.graph import copy_model
from ptq_comparison.model.layers import constants, set_constant
from ptq_comparison.quantization.quantized_weights import stored_weights
from ptq_comparison.refinement.bias_correction import channel_means, correct_biases

PIXELS = {**RAW, "layout": "NCHW"}
POOL = [("Relu", {}, {}), ("GlobalAveragePool", {}, {}), ("Flatten", {}, {})]


def make_images():
    """All values from 0 to 255, so that 8 bits hold pixels without an error; dark ones prevail."""
    values = np.random.default_rng(1).integers(0, 256, (30, 2, 2, 3)) ** 2 // 255
    values[0, 0, 0], values[1, 0, 0] = 0, 255
    return values.astype(np.uint8)


IMAGES = make_images()
MEANS = IMAGES.mean(axis=0).transpose(2, 0, 1)  # (channels, height, width), as the model has it


def normal(*shape):
    return np.random.default_rng(2).normal(size=shape)


LAYERS = {
    "Conv": [("Conv", {}, {"w": normal(4, 3, 2, 2), "b": np.zeros(4)}), *POOL],
    "Conv without bias": [("Conv", {}, {"w": normal(4, 3, 2, 2)}), *POOL],
    "Gemm": [("Flatten", {}, {}), ("Gemm", {}, {"w": normal(12, 4), "b": np.zeros((1, 4))})],
    "Gemm without bias": [("Flatten", {}, {}), ("Gemm", {"transB": 1}, {"w": normal(4, 12)})],
    "Gemm with beta": [
        ("Flatten", {}, {}),
        ("Gemm", {"beta": 4.0, "transB": 1}, {"w": normal(4, 12), "b": np.zeros(4)}),
    ],
}


def rounding_errors(quantized, weights):
    """What rounding adds to the weights, in the shape (4 outputs, inputs)."""
    (stored,) = stored_weights(quantized)
    errors = stored.scale * stored.values.astype(np.float64) - weights
    return errors.reshape(4, -1) if len(errors) == 4 else errors.T


@pytest.mark.parametrize("name", LAYERS)
def test_the_shift_is_that_of_the_rounded_weights_for_the_mean_input(tmp_path, name):
    model = make_network(LAYERS[name], side=2)
    batches = Batches.of(IMAGES, model, PIXELS, 7)
    quantize = Quantizer(model, batches, tmp_path)
    errors = rounding_errors(quantize(model), constants(model)["w"])
    before = model.SerializeToString()
    corrected = correct_biases(model, quantize, batches)
    assert model.SerializeToString() == before

    arrays = constants(corrected)
    assert np.array_equal(arrays.pop("w"), constants(model)["w"])
    (bias,) = arrays.values()
    shift = errors @ MEANS.ravel()
    beta = 4 if name == "Gemm with beta" else 1
    assert np.abs(shift).min() > 0.01
    assert bias.ravel() == pytest.approx(-shift / beta, abs=2e-4)


def test_weights_that_were_changed_are_made_up_for_with_the_reference(tmp_path):
    reference = make_network(LAYERS["Gemm"], side=2)
    batches = Batches.of(IMAGES, reference, PIXELS, 7)
    quantize = Quantizer(reference, batches, tmp_path)
    model = copy_model(reference)
    set_constant(model, "w", constants(model)["w"].clip(-1, 1))
    errors = rounding_errors(quantize(model), constants(reference)["w"])
    corrected = correct_biases(model, quantize, batches, reference)
    expected = -errors @ MEANS.ravel()
    assert constants(corrected)["b"].ravel() == pytest.approx(expected, abs=2e-4)
    without = correct_biases(model, quantize, batches)
    assert np.abs(constants(without)["b"].ravel() - expected).max() > 1


def deep_network():
    """Layers of each kind, with and without bias, before and after a Relu."""
    return make_network(
        [
            ("Conv", {"pads": [1, 1, 1, 1]}, {"w0": normal(8, 3, 3, 3), "b0": normal(8)}),
            ("Relu", {}, {}),
            ("Conv", {"group": 2}, {"w2": normal(4, 4, 1, 1)}),
            ("Relu", {}, {}),
            ("Flatten", {}, {}),
            ("Gemm", {}, {"w5": normal(16, 6), "b5": np.zeros(6)}),
            ("MatMul", {}, {"w6": normal(6, 3)}),
        ],
        side=2,
    )


def worst_shifts(model, quantized, batches):
    """The largest shift of a channel of each layer, in percent of the largest mean."""
    weights = list(stored_weights(quantized))[:3]
    wanted = channel_means(model, ["conv0", "conv2", "gemm5"], batches)
    found = channel_means(quantized, [weight.node.output[0] for weight in weights], batches)
    return [100 * np.abs(f - w).max() / np.abs(w).max() for f, w in zip(found, wanted, strict=True)]


def test_all_layers_have_the_right_means_afterwards(tmp_path):
    """Later corrections do not undo earlier ones, and see what those left."""
    model = deep_network()
    batches = Batches.of(IMAGES, model, PIXELS, 7)
    quantize = Quantizer(model, batches, tmp_path, reduce_range=True)
    corrected = correct_biases(model, quantize, batches)
    assert min(worst_shifts(model, quantize(model), batches)) > 0.5
    # What is left is the rounding of the bias itself.
    assert max(worst_shifts(model, quantize(corrected), batches)) < 0.03
    changed = {
        name
        for name, array in constants(corrected).items()
        if not np.array_equal(array, constants(model).get(name))
    }
    assert changed == {"b0", "w2_corrected_bias", "b5"}


def test_what_is_not_quantized_or_shared_is_left_alone(tmp_path):
    model = deep_network()
    batches = Batches.of(IMAGES, model, PIXELS, 7)
    quantize = Quantizer(model, batches, tmp_path, nodes_to_exclude=["conv0", "conv2", "gemm5"])
    assert correct_biases(model, quantize, batches) == model

    bias = np.ones(4)
    layers = [
        ("Flatten", {}, {}),
        ("Gemm", {}, {"w1": normal(12, 4), "b": bias}),
        ("Gemm", {}, {"w2": normal(4, 4), "b": bias}),
    ]
    model = make_network(layers, side=2)
    quantize = Quantizer(model, batches, tmp_path)
    assert correct_biases(model, quantize, batches) == model


@pytest.mark.parametrize(("batch", "size"), [("batch", 7), ("batch", 30), (4, 7)])
def test_means_are_those_of_all_images_in_batches_of_any_size(batch, size):
    layers = [("Conv", {}, {"w": np.eye(3).reshape(3, 3, 1, 1)}), ("Flatten", {}, {})]
    model = make_network(layers, side=2, batch=batch)
    (means,) = channel_means(model, ["conv0"], Batches.of(IMAGES, model, PIXELS, size))
    assert means == pytest.approx(MEANS.mean(axis=(1, 2)), rel=1e-12)
