"""The likely reasons of a collapse follow from what was measured."""

import numpy as np
import pytest
from helpers.models import make_network
from ptq_comparison.diagnosis.node_losses import NodeLoss
from ptq_comparison.diagnosis.reasons import (
    FURTHER,
    Measured,
    channel_spread,
    find_reasons,
    lines,
    worst_nodes,
)

RECIPE = {"preprocess": True, "per_channel": True, "method": "MinMax"}
SPREAD = np.array([1, 0.1, 0.01]).reshape(3, 1, 1, 1)


def network(weights=SPREAD, norm=False):
    factor = {"factor": np.ones((1, 3, 1, 1)) * 2}
    layers = [("Conv", {"group": 3}, {"w": weights}), ("GlobalAveragePool", {}, {}),
              ("Flatten", {}, {})]  # fmt: skip
    return make_network([layers[0], *([("Mul", {}, factor)] if norm else []), *layers[1:]])


def measured(model=None, weights=0.0, result=0.0, rows=(), saturated=None, **recipe):
    model = model or network()
    losses = [NodeLoss(model.graph.node[0], weights, result)]
    return Measured(model, losses, rows, saturated, {**RECIPE, **recipe})


def row(share=0.9, clipped=0.0):
    return {"tensor": "conv0", "share": share, "clipped": clipped}


CASES = {
    "folding": (
        measured(network(norm=True), preprocess=False),
        ["1 nodes are followed by batch normalization", "Conv 'conv0'"], "preprocess to true"),
    "weights": (
        measured(weights=0.4, per_channel=False),
        ["the weights of 1 nodes, 1 of them depthwise", "differ up to 100 times"],
        "per_channel to true"),
    "saturation": (
        measured(saturated=0.2), ["changes 20.0% of the predictions"], "reduce_range to true"),
    "clipping": (
        measured(rows=[row(), row(clipped=0.3)], method="Percentile"),
        ["30.0% of the values of 'conv0' lie beyond"], "calibration.method to MinMax"),
    "outliers": (
        measured(result=0.5, rows=[row(share=0.03)]),
        ["99 % of the values of 'conv0' lie in 3.0% of"], "calibration.method to MSE"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_each_reason_is_found_alone(kind):
    what, texts, remedy = CASES[kind]
    (reason,) = find_reasons(what, 0.01)
    assert reason["kind"] == kind and remedy in reason["remedy"]
    assert all(text in reason["because"] for text in texts)


@pytest.mark.parametrize(
    "sound",
    [
        measured(network(norm=True)),  # folding was asked for, and could not be done
        measured(weights=0.4),  # a scale for each channel
        measured(weights=0.001, per_channel=False),  # nothing is lost by it
        measured(network(np.ones((3, 1, 1, 1))), weights=0.4, per_channel=False),
        measured(saturated=0.005),
        measured(rows=[row(clipped=0.001)], method="Percentile"),
        measured(result=0.001, rows=[row(share=0.03)]),
        measured(result=0.5, rows=[row(share=0.03)], method="MSE"),
        measured(),
    ],
)
def test_without_evidence_no_reason_is_given(sound):
    assert find_reasons(sound, 0.01) == []


def test_outliers_are_no_reason_beside_channels_that_differ():
    what = measured(weights=0.4, result=0.5, rows=[row(share=0.03)], per_channel=False)
    assert [reason["kind"] for reason in find_reasons(what, 0.01)] == ["weights"]


def test_channels_that_give_nothing_do_not_count():
    node = network().graph.node[0]
    assert channel_spread(node, np.array([2, 1, 1e-30]).reshape(3, 1, 1, 1)) == 2
    assert channel_spread(node, np.zeros((3, 1, 1, 1))) == 1


def diagnosis(name, delta, what):
    reasons, nodes = find_reasons(what, 0.01), worst_nodes(what.losses)
    return {"model": name, "delta_pp": delta, "reasons": reasons, "nodes": nodes}


def test_models_of_equal_reasons_share_the_lines():
    what = measured(weights=0.4, result=0.2, per_channel=False)
    told = lines([diagnosis("int8", -20.0, what), diagnosis("uint8", -5.5, what)], 3.0)
    assert told[0] == (
        "Lost more than acceptance.max_drop_pp (3): int8 20.00 pp, uint8 5.50 pp. Likely, of int8:"
    )
    assert told[1].startswith("The weights of 1 nodes") and told[1].endswith("to true.")
    assert told[2] == "Nodes that lose most of the signal of a channel: Conv 'conv0' (40%)."
    assert told[3:] == [FURTHER]


def test_a_loss_without_a_reason_is_told_as_such():
    told = lines([diagnosis("int8", -4.0, measured())], 3.0)
    assert told == [
        "Lost more than acceptance.max_drop_pp (3): int8 4.00 pp. No reason was found.", FURTHER,
    ]  # fmt: skip
    assert lines([], 3.0) == []
