"""The grids of a quantized model are those that it rounds to."""

import numpy as np
import pytest
from helpers import RAW, Quantizer, make_classifier, make_images
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.graph import with_outputs
from ptq_comparison.quantization.activation_grids import stored_grids
from ptq_comparison.quantization.grid_use import measure_activations
from tqdm import tqdm


# Of the classifier: the pixels, transposed; convolution; Relu; pool; flatten; scores.
@pytest.mark.parametrize(
    ("options", "tensors"),
    [
        ({}, "nchw r g f scores"),
        ({"activation_type": "QInt8"}, "nchw r g f scores"),
        ({"activation_type": "QInt16"}, "nchw r g f scores"),
        ({"extra_options": {"ActivationSymmetric": True}}, "nchw c r g f scores"),
        ({"extra_options": {"DedicatedQDQPair": True}}, "nchw r g f scores"),
        ({"nodes_to_exclude": ["conv"]}, "r g f scores"),
        # Integer operators merge Relu, unless the grid is symmetric, and Flatten passes levels on.
        ({"format": "QOperator"}, "nchw r g scores"),
        ({"format": "QOperator", "activation_type": "QInt8"}, "nchw r g scores"),
        (
            {"format": "QOperator", "extra_options": {"ActivationSymmetric": True}},
            "nchw c f scores",
        ),
    ],
)
def test_the_grids_are_those_that_the_model_rounds_to(tmp_path, options, tensors):
    """Every stored tensor, run through the quantized model, is the float one on its grid."""
    model = make_classifier()
    images, _ = make_images(30, seed=5)
    batches = Batches.of(images, model, RAW, 30)
    quantized = Quantizer(model, batches, tmp_path, **options)(model)
    grids = stored_grids(quantized, model)
    assert list(grids) == tensors.split()
    size = 65536 if "16" in options.get("activation_type", "") else 256
    symmetric = "ActivationSymmetric" in options.get("extra_options", {})
    rows = measure_activations(model, batches, grids, tqdm(disable=True))
    for row in rows:
        assert row["grid"] == size and row["low"] <= 0 <= row["high"]
        assert 0 <= row["levels"][0] <= row["levels"][-1] < size
        assert row["clipped"] < 0.02  # at most the ends of the range, which round off the grid
        if symmetric and row["tensor"] in ("nchw", "r"):  # values without a sign, in half the grid
            assert row["zero_level"] in (127, 128) and row["share"] <= 0.5
    inputs = next(iter(batches)).inputs
    stored = {
        node.output[0]: node.input[0]
        .removesuffix("_QuantizeLinear_Output")
        .removesuffix("_quantized")
        for node in quantized.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] not in ("w_quantized",)
    }
    values = make_session(with_outputs(quantized, stored), 1, optimize=False).run(
        list(stored), inputs
    )
    for name, rounded in zip(stored.values(), values, strict=True):
        if name in grids:
            level = rounded / grids[name].scale + grids[name].zero
            assert np.allclose(level, np.rint(level), atol=1e-2)
            assert level.min() > -0.5 and level.max() < size - 0.5
