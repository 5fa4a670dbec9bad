"""The likely reasons of a collapse, in words, each with what it was measured from and a remedy."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np
import onnx

from ptq_comparison.diagnosis.node_losses import NodeLoss
from ptq_comparison.model.graph import attribute, describe
from ptq_comparison.model.layers import channel_axis, constants
from ptq_comparison.preparation.own_folding import foldable

LOST = 0.01  # share of the signal that a node may lose without being named
NAMED = 3  # nodes
FACTOR = 8  # between channels: so much is left of 8 bits where the smallest has 5 bits
DEAD = 1e-6  # of the largest channel: weights of channels that give nothing
CLIPPED = 0.01  # share of values
NARROW = 1 / 8  # part of the grid with 99 % of the values
FURTHER = (
    "To find out more: snakemake sensitivity shows what each node costs, snakemake recommend tries "
    "other recipes."
)


class Reason(TypedDict):
    """Why, and what to do, as parts of a sentence."""

    kind: str  # folding, weights, saturation, clipping, outliers
    because: str
    remedy: str


class Diagnosis(TypedDict):
    """What is known of one model that has lost too much; `delta_pp` is its loss."""

    model: str
    delta_pp: float
    reasons: list[Reason]
    nodes: list[dict[str, Any]]


class Measured(NamedTuple):
    """What the reasons are found in.

    `activations` are those of `measure_activations`, `saturated` is the share of predictions that
    saturation changes, None if unknown, and `recipe` is complete.
    """

    model: onnx.ModelProto
    losses: Sequence[NodeLoss]
    activations: Sequence[Mapping[str, Any]]
    saturated: float | None
    recipe: Mapping[str, Any]


def find_reasons(measured: Measured, saturation_threshold: float) -> list[Reason]:
    """Return what may have caused the loss, the likeliest first; nothing where nothing is found."""
    found = [
        _unfolded(measured),
        _coarse_weights(measured),
        _saturated(measured, saturation_threshold),
        _clipped(measured),
    ]
    # Channels that differ look like outliers, too.
    if not any(found[:2]):
        found.append(_outliers(measured))
    return [reason for reason in found if reason]


def worst_nodes(losses: Sequence[NodeLoss]) -> list[dict[str, Any]]:
    """Return the nodes that lose most, with the shares of the signal lost."""
    return [
        {
            "node": describe(loss.node),
            "lost_by_weights": round(loss.weights, 4),
            "lost_by_result": round(loss.result, 4),
        }
        for loss in losses[:NAMED]
        if loss.worst > LOST
    ]


def _unfolded(measured: Measured) -> Reason | None:
    hosts = foldable(measured.model)
    if not hosts or measured.recipe["preprocess"]:
        return None
    return {
        "kind": "folding",
        "because": f"{len(hosts)} nodes are followed by batch normalization (or other factors and "
        f"terms) that is not folded into them, the first is {describe(hosts[0].node)}",
        "remedy": "set quantization.preprocess to true",
    }


def _coarse_weights(measured: Measured) -> Reason | None:
    if measured.recipe["per_channel"]:
        return None
    arrays = constants(measured.model)
    lossy = {loss.node.output[0] for loss in measured.losses if loss.weights > LOST}
    spread = {
        node.output[0]: (node, channel_spread(node, arrays[node.input[1]]))
        for node in measured.model.graph.node
        if node.output[0] in lossy and arrays[node.input[1]].ndim > 1
    }
    wide = {name: pair for name, pair in spread.items() if pair[1] > FACTOR}
    if not wide:
        return None
    depthwise = sum(attribute(node, "group", 1) > 1 for node, _ in wide.values())
    worst, times = max(wide.values(), key=lambda pair: pair[1])
    return {
        "kind": "weights",
        "because": f"the weights of {len(wide)} nodes, {depthwise} of them depthwise, have one "
        f"scale each, and their channels differ up to {times:,.0f} times, as in {describe(worst)}",
        "remedy": "set quantization.per_channel to true",
    }


def channel_spread(node: onnx.NodeProto, weight: np.ndarray) -> float:
    """Return how many times larger the largest channel of a weight is than the smallest in use."""
    axis = channel_axis(node)
    channels = np.abs(weight).max(axis=tuple(i for i in range(weight.ndim) if i != axis))
    used = channels[channels > DEAD * channels.max(initial=0)]
    return float(used.max() / used.min()) if used.size else 1.0


def _saturated(measured: Measured, threshold: float) -> Reason | None:
    if (measured.saturated or 0) <= threshold:
        return None
    return {
        "kind": "saturation",
        "because": f"saturation on this CPU changes {measured.saturated:.1%} of the predictions",
        "remedy": "set quantization.reduce_range to true",
    }


def _clipped(measured: Measured) -> Reason | None:
    worst = max(measured.activations, key=lambda row: row["clipped"], default=None)
    if worst is None or worst["clipped"] <= CLIPPED:
        return None
    is_plain = measured.recipe["method"] == "MinMax"
    return {
        "kind": "clipping",
        "because": f"{worst['clipped']:.1%} of the values of {worst['tensor']!r} lie beyond the "
        "grid that it is stored in",
        "remedy": "raise calibration.samples" if is_plain else "set calibration.method to MinMax",
    }


def _outliers(measured: Measured) -> Reason | None:
    lossy = {loss.node.output[0] for loss in measured.losses if loss.result > LOST}
    rows = [row for row in measured.activations if row["tensor"] in lossy]
    worst = min(rows, key=lambda row: row["share"], default=None)
    if worst is None or worst["share"] >= NARROW or measured.recipe["method"] != "MinMax":
        return None
    return {
        "kind": "outliers",
        "because": f"99 % of the values of {worst['tensor']!r} lie in {worst['share']:.1%} of the "
        "grid that it is stored in",
        "remedy": "set calibration.method to MSE or Percentile",
    }


def lines(diagnoses: Sequence[Diagnosis], max_drop_pp: float) -> list[str]:
    """Return what to tell of the models, in plain lines; models with equal reasons share them."""
    groups: dict[tuple[str, ...], list[Diagnosis]] = {}
    for diagnosis in diagnoses:
        kinds = tuple(reason["kind"] for reason in diagnosis["reasons"])
        groups.setdefault(kinds, []).append(diagnosis)
    told = []
    for alike in groups.values():
        first = alike[0]
        losses = ", ".join(f"{item['model']} {-item['delta_pp']:.2f} pp" for item in alike)
        told.append(
            f"Lost more than acceptance.max_drop_pp ({max_drop_pp:g}): {losses}. "
            + (f"Likely, of {first['model']}:" if first["reasons"] else "No reason was found.")
        )
        told += [
            f"{_capital(reason['because'])}: {reason['remedy']}." for reason in first["reasons"]
        ]
        if first["nodes"]:
            nodes = (
                f"{node['node']} ({max(node['lost_by_weights'], node['lost_by_result']):.0%})"
                for node in first["nodes"]
            )
            told.append(f"Nodes that lose most of the signal of a channel: {', '.join(nodes)}.")
    return [*told, FURTHER] if told else []


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
