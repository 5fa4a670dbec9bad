"""Which training images calibrate, and which validate recipes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import atomic_path
from ptq_comparison.datasets.dataset import Split, slices
from ptq_comparison.datasets.npy import write_npy

LEFT = 5  # one of so many images of a class is left to choose recipes on


def calibration_indices(
    labels: np.ndarray,
    class_names: Sequence[str],
    per_class: int | None,
    total: int,
    seed: int,
) -> np.ndarray:
    """Draw calibration images without replacement: `per_class` of every class, or `total` in all.

    `labels` is int64 (N,), with values from 0 to `len(class_names) - 1`, or -1 for images without
    labels. A `total` is spread over the classes as evenly as they go, and leaves a fifth of each
    to choose recipes on. Returns ascending indices into `labels`, int64. Raises UserError where a
    class has images, but fewer than `per_class`.
    """
    groups = _groups(labels, np.arange(len(labels)))
    counts = np.array([len(group) for group in groups])
    if per_class is None or labels.max() < 0:
        asked = even_counts(counts - counts // LEFT, per_class or total, seed)
    else:
        for label, group in enumerate(groups):
            if 0 < len(group) < per_class:
                raise UserError(
                    f"calibration.samples_per_class: class {class_names[label]!r} has {len(group)} "
                    f"training images, {per_class} were asked for; lower it or add images"
                )
        asked = np.minimum(counts, per_class)
    return _draw(groups, asked, seed)


def validation_indices(
    labels: np.ndarray, taken: np.ndarray, per_class: int, total: int, seed: int
) -> np.ndarray:
    """Draw validation images from those that do not calibrate, as many as there are.

    At most `per_class` of a class and `total` in all; `taken` are int64 indices of calibration
    images. Returns ascending indices into `labels`, int64. Raises UserError where none is left.
    """
    groups = _groups(labels, np.setdiff1d(np.arange(len(labels)), taken))
    counts = np.minimum([len(group) for group in groups], per_class)
    if not counts.sum() or labels.max() < 0:
        raise UserError(
            "calibration.samples_per_class: all labelled training images calibrate, and none is "
            "left to choose recipes on; lower it or add images"
        )
    return _draw(groups, even_counts(counts, total, seed), seed)


def stratified_indices(labels: np.ndarray, total: int, seed: int) -> np.ndarray:
    """Draw `total` images without replacement, of each class its share of all of them.

    Returns ascending indices into `labels`, int64 (N,). What is left after rounding down goes to
    the classes with the largest rests; the accuracy of the sample then estimates that of all.
    """
    if total >= len(labels):
        return np.arange(len(labels))
    groups = _groups(labels, np.arange(len(labels)))
    shares = np.array([len(group) for group in groups]) * total / len(labels)
    counts = shares.astype(np.int64)
    order = np.argsort(counts - shares, kind="stable")  # the largest rest first
    counts[order[: total - int(counts.sum())]] += 1
    return _draw(groups, counts, seed)


def even_counts(available: np.ndarray, total: int, seed: int) -> np.ndarray:
    """Spread `total` over classes as evenly as there are images, int64 (classes,).

    A rest that is smaller than the number of classes goes to some of them by chance.
    """
    counts, left = np.zeros_like(available), min(total, int(available.sum()))
    while left:
        able = np.flatnonzero(counts < available)
        if left < len(able):
            counts[np.random.default_rng(seed).choice(able, left, replace=False)] += 1
            break
        added = np.minimum(left // len(able), (available - counts)[able])
        counts[able] += added
        left -= int(added.sum())
    return counts


def _groups(labels: np.ndarray, indices: np.ndarray) -> list[np.ndarray]:
    """Return those `indices` that are of each class; of images without labels all are one group."""
    first = min(int(labels.max()), 0)
    return [indices[labels[indices] == label] for label in range(first, int(labels.max()) + 1)]


def _draw(
    groups: Sequence[np.ndarray], counts: Sequence[int] | np.ndarray, seed: int
) -> np.ndarray:
    generator = np.random.default_rng(seed)
    chosen = [
        generator.choice(group, count, replace=False)
        for group, count in zip(groups, counts, strict=True)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def write_samples(split: Split, indices: np.ndarray, images_path: Path, samples_path: Path) -> None:
    """Write the chosen images of a split as `.npy`, and their `index,label` as CSV.

    Only a piece of them is in memory at once. Raises what decoding them raises.
    """
    shape = (len(indices), *split.images.shape[1:])
    with atomic_path(images_path) as temporary:
        pieces = (split.images[indices[piece]] for piece in slices(shape))
        write_npy(temporary, np.uint8, shape, pieces)
    with atomic_path(samples_path) as temporary:
        rows = np.column_stack([indices, split.labels[indices]])
        np.savetxt(temporary, rows, fmt="%d", delimiter=",", header="index,label", comments="")


def read_samples(path: Path) -> np.ndarray:
    """Return indices and labels of the calibration images, int64 (N, 2)."""
    return np.loadtxt(path, dtype=np.int64, delimiter=",", skiprows=1, ndmin=2)


def read_labels(path: Path) -> np.ndarray:
    """Return the labels of a split (`.npy`) or of samples (`.csv`), int64 (N,)."""
    return read_samples(path)[:, 1] if path.suffix == ".csv" else np.load(path)


def few_per_class(labels: np.ndarray, count: int | None, seed: int) -> np.ndarray:
    """Draw up to `count` images of every class, or take all of them for None; ascending indices."""
    if count is None:
        return np.arange(len(labels))
    groups = _groups(labels, np.arange(len(labels)))
    return _draw(groups, [min(len(group), count) for group in groups], seed)


def describe_samples(path: Path, per_class: int | None = None) -> dict[str, int]:
    """Return the number of calibration `images` and how many of them are `per_class`.

    `per_class` is for a recipe that calibrates on fewer than there are.
    """
    counts = np.bincount(np.maximum(read_samples(path)[:, 1], 0))  # -1: without label
    most = int(counts.max()) if per_class is None else per_class
    return {"images": int(np.minimum(counts, most).sum()), "per_class": most}


def spread(total: int, count: int) -> np.ndarray:
    """Return at most `count` indices of `total` items, int64, ascending and evenly spaced.

    Images of a class may lie together, so that the first ones would not do.
    """
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(np.int64))
