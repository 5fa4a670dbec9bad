"""Which training images calibrate, and which validate recipes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import atomic_path
from ptq_comparison.datasets.npy import write_npy


def stratified_indices(
    labels: np.ndarray,
    class_names: Sequence[str],
    per_class: int,
    seed: int,
    taken: np.ndarray | None = None,
) -> np.ndarray:
    """Draw `per_class` images of every class without replacement.

    `labels` is int64 (N,), with values from 0 to `len(class_names) - 1`. `taken` are int64 indices
    of images that calibrate: validation images are drawn from the others, as many as there are.
    Returns ascending indices into `labels`, int64. Raises UserError when a class has too few images
    to calibrate on, or none is left to validate on.
    """
    generator = np.random.default_rng(seed)
    left = np.setdiff1d(np.arange(len(labels)), [] if taken is None else taken)
    chosen = []
    for label, name in enumerate(class_names):
        candidates = left[labels[left] == label]
        if taken is None and not len(candidates):
            raise UserError(
                f"calibration.samples_per_class: class {name!r} has no training image; add some, "
                "or remove the class and number the others from 0 without a gap"
            )
        if taken is None and len(candidates) < per_class:
            raise UserError(
                f"calibration.samples_per_class: class {name!r} has {len(candidates)} training "
                f"images, {per_class} were asked for; lower it or add images"
            )
        if not len(candidates):
            raise UserError(
                f"calibration.samples_per_class: all training images of class {name!r} calibrate, "
                "and none is left to choose recipes on; lower it or add images"
            )
        chosen.append(generator.choice(candidates, min(per_class, len(candidates)), replace=False))
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def write_samples(
    images: np.ndarray,
    labels: np.ndarray,
    indices: np.ndarray,
    images_path: Path,
    samples_path: Path,
) -> None:
    """Write the images, uint8 (N, H, W, C), as `.npy`, and their `index,label` as CSV."""
    with atomic_path(images_path) as temporary:
        write_npy(temporary, images.dtype, images.shape, [images])
    with atomic_path(samples_path) as temporary:
        rows = np.column_stack([indices, labels])
        np.savetxt(temporary, rows, fmt="%d", delimiter=",", header="index,label", comments="")


def read_samples(path: Path) -> np.ndarray:
    """Return indices and labels of the calibration images, int64 (N, 2)."""
    return np.loadtxt(path, dtype=np.int64, delimiter=",", skiprows=1, ndmin=2)


def read_labels(path: Path) -> np.ndarray:
    """Return the labels of a split (`.npy`) or of samples (`.csv`), int64 (N,)."""
    return read_samples(path)[:, 1] if path.suffix == ".csv" else np.load(path)


def few_per_class(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draw up to `count` images of every class that there is; see `stratified_indices`."""
    names = [str(label) for label in range(labels.max() + 1)]
    return stratified_indices(labels, names, count, seed)


def describe_samples(path: Path, per_class: int | None = None) -> dict[str, int]:
    """Return the number of calibration `images` and how many of them are `per_class`.

    `per_class` is for a recipe that calibrates on fewer than there are.
    """
    counts = np.bincount(read_samples(path)[:, 1])
    most = int(counts.max()) if per_class is None else per_class
    return {"images": int(np.minimum(counts, most).sum()), "per_class": most}


def spread(total: int, count: int) -> np.ndarray:
    """Return at most `count` indices of `total` items, int64, ascending and evenly spaced.

    Images of a class may lie together, so that the first ones would not do.
    """
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(np.int64))
