"""Which node loses the signal when it is stored in 8 bits."""

import numpy as np
import pytest
from helpers import RAW, make_images, make_outlier_classifier
from helpers.models import make_classifier, make_network
from helpers.quantizer import Quantizer
from ptq_comparison.diagnosis.node_losses import PREFIX, node_losses
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.graph import name_nodes

IMAGES, _ = make_images(24, seed=3)


def losses(model, folder, **options):
    batches = Batches.of(IMAGES, model, RAW, 4)
    quantized = Quantizer(model, batches, folder, **options)(model)
    return node_losses(model, quantized, batches)


def test_a_sound_model_loses_next_to_nothing(tmp_path):
    found = losses(make_classifier(), tmp_path)
    assert {loss.node.name for loss in found} >= {"conv", "relu", "pool"}
    assert all(loss.worst < 0.01 for loss in found if loss.node.op_type in ("Conv", "Relu"))
    assert [loss.worst for loss in found] == sorted((x.worst for x in found), reverse=True)


@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
def test_a_weight_that_one_scale_cannot_hold_is_the_worst(tmp_path, format):
    """All that `outlier` passes on is rounded to 0."""
    found = losses(make_outlier_classifier(), tmp_path, per_channel=False, format=format)
    assert found[0].node.name == "outlier" and found[0].weights == pytest.approx(1)


def spread_network():
    """A depthwise convolution whose channels have weights of 1, 1/100 and 1/1000."""
    depthwise = np.array([1, 0.01, 0.001]).reshape(3, 1, 1, 1)
    mixed = np.eye(3).reshape(3, 3, 1, 1) / np.array([1, 0.01, 0.001]).reshape(1, 3, 1, 1)
    return make_network(
        [
            ("Conv", {"group": 3}, {"depthwise": depthwise}),
            ("Conv", {}, {"mixed": mixed}),
            ("GlobalAveragePool", {}, {}),
            ("Flatten", {}, {}),
        ]
    )


def test_channels_that_differ_are_lost_by_weight_and_by_result(tmp_path):
    by_tensor = {x.node.name: x for x in losses(spread_network(), tmp_path, per_channel=False)}
    by_channel = {x.node.name: x for x in losses(spread_network(), tmp_path, per_channel=True)}
    # One of three channels rounds to 0, another one is coarse.
    assert by_tensor["conv0"].weights > 0.3
    assert by_channel["conv0"].weights < 0.001
    # The grid of the result is one for all channels in both.
    assert by_channel["conv0"].result > 0.3


def test_the_shares_are_those_of_plain_arithmetic(tmp_path):
    """Of the result of the first node, channel by channel."""
    model = spread_network()
    batches = Batches.of(IMAGES, model, RAW, 24)
    quantized = Quantizer(model, batches, tmp_path, per_channel=True)(model)
    (loss,) = [x for x in node_losses(model, quantized, batches) if x.node.name == "conv0"]
    values = IMAGES.astype(np.float64) * [1, 0.01, 0.001]
    step = values.max() / 255
    error = np.rint(values / step) * step - values
    shares = (error**2).sum(axis=(0, 1, 2)) / values.var(axis=(0, 1, 2)) / values[..., 0].size
    assert loss.result == pytest.approx(np.minimum(shares, 1).mean(), rel=0.02)


def test_nothing_of_the_model_is_changed(tmp_path):
    model = name_nodes(make_classifier())
    before = model.SerializeToString()
    losses(model, tmp_path)
    assert model.SerializeToString() == before
    assert not any(name.startswith(PREFIX) for node in model.graph.node for name in node.output)
