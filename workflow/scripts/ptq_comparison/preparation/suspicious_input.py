"""An order of classes, or a preprocessing, that the model was not trained with.

The usual preprocessings are tried.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.config.presets import PRESETS, VALUES
from ptq_comparison.preparation.class_order import (
    ALPHA,
    describe_order,
    find_order,
    is_clearly_better,
)

IMAGES = 128  # that each preprocessing is tried on
NEARLY_ALL = 0.97  # right: nothing can be much better
LEAST_GAIN = 0.05
OTHER = {"RGB": "BGR", "BGR": "RGB"}


class Candidate(NamedTuple):
    """Another preprocessing: what it is called, how to set it, and its values."""

    name: str
    remedy: str
    preprocessing: dict[str, Any]


Predict = Callable[[np.ndarray, dict[str, Any]], np.ndarray]


def find_suspicious(
    images: np.ndarray,
    labels: np.ndarray,
    predicted: np.ndarray,
    names: Sequence[str],
    given: Mapping[str, Any],
    predict: Predict,
) -> str | None:
    """Return what looks wrong, in words, with the remedy; None where nothing does.

    `images`, uint8 (N, H, W, C), have `labels`, -1 for none, and are `predicted`, both int (N,),
    with the preprocessing `given`; `predict` returns such predictions for images and another one.
    """
    known = np.flatnonzero(labels >= 0)
    labels, predicted = labels[known], predicted[known]
    if np.array_equal(labels, predicted):
        return None
    order = find_order(labels, predicted)
    found = [describe_order(order, names, len(labels))] if order else []
    better = find_preprocessing(images, known, labels, predicted, given, predict)
    return "; or ".join([*found, *better]) or None


def candidates(given: Mapping[str, Any], channels: int) -> list[Candidate]:
    """Return what is tried in place of `given`, for images of so many channels.

    That are the presets, pixels from 0 to 1, and what is given with red and blue exchanged.
    """
    found = [
        Candidate(
            name,
            f"set model.preset: {name}, and model.scale, mean and std to null",
            {**given, **{key: preset[key] for key in VALUES},
             "channels": preset["channels"] or given["channels"]},
        )
        for name, preset in PRESETS.items()
    ]  # fmt: skip
    unit = {**given, "scale": 1 / 255, "mean": 0.0, "std": 1.0}
    found.append(
        Candidate("pixels from 0 to 1", f"set model.scale: {1 / 255:.8f}, mean: 0, std: 1", unit)
    )
    if channels == 3:
        other = OTHER[given["channels"]]
        found.append(
            Candidate(
                f"the order {other} of channels",
                f"set dataset.channels: {other}",
                {**given, "channels": other},
            )
        )
    tried = [_values(given)]
    kept = []
    for candidate in found:
        values = _values(candidate.preprocessing)
        fits = all(np.size(values[key]) in (1, channels) for key in ("mean", "std"))
        if fits and values not in tried:
            tried.append(values)
            kept.append(candidate)
    return kept


def _values(preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    lists = {key: np.ravel(preprocessing[key]).round(6).tolist() for key in VALUES}
    return {**lists, "channels": preprocessing["channels"]}


def find_preprocessing(
    images: np.ndarray,
    known: np.ndarray,
    labels: np.ndarray,
    predicted: np.ndarray,
    given: Mapping[str, Any],
    predict: Predict,
) -> list[str]:
    """Return a clearly better preprocessing in words, with the remedy, or nothing.

    `known` are indices of those `images` that have labels and predictions.
    """
    few = np.unique(np.linspace(0, len(known) - 1, IMAGES).round().astype(np.int64))
    before = labels[few] == predicted[few]
    if before.mean() >= NEARLY_ALL:
        return []
    tried = candidates(given, images.shape[-1])
    best, best_share = None, float(before.mean()) + LEAST_GAIN
    for candidate in tried:
        try:
            after = predict(images[known[few]], candidate.preprocessing) == labels[few]
        except UserError:  # scores that are not finite, or pixels that the model itself scales
            continue
        if after.mean() > best_share and is_clearly_better(before, after, ALPHA / len(tried)):
            best, best_share = candidate, float(after.mean())
    if best is None:
        return []
    return [
        f"the preprocessing looks wrong: {best.name} gives {best_share:.0%} of {len(few)} "
        f"calibration images right, yours {before.mean():.0%}; {best.remedy}"
    ]
