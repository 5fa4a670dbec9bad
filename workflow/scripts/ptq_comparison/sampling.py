"""Which training images the quantization ranges are calibrated on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ptq_comparison.errors import UserError
from ptq_comparison.files import atomic_path


def stratified_indices(
    labels: np.ndarray, class_names: Sequence[str], samples_per_class: int, seed: int
) -> np.ndarray:
    """Draw `samples_per_class` images of every class without replacement.

    `labels` is int64 (N,), with values from 0 to `len(class_names) - 1`. Returns int64
    (classes * samples_per_class,), ascending indices into `labels`. Raises UserError when a class
    has too few images.
    """
    generator = np.random.default_rng(seed)
    chosen = []
    for label, name in enumerate(class_names):
        candidates = np.flatnonzero(labels == label)
        if len(candidates) < samples_per_class:
            raise UserError(
                f"calibration.samples_per_class: class {name!r} has {len(candidates)} training "
                f"images, {samples_per_class} were asked for; lower it or add images"
            )
        chosen.append(generator.choice(candidates, samples_per_class, replace=False))
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
        np.save(temporary, images)
    with atomic_path(samples_path) as temporary:
        rows = np.column_stack([indices, labels])
        np.savetxt(temporary, rows, fmt="%d", delimiter=",", header="index,label", comments="")


def read_samples(path: Path) -> np.ndarray:
    """Return indices and labels of the calibration images, int64 (N, 2)."""
    return np.loadtxt(path, dtype=np.int64, delimiter=",", skiprows=1, ndmin=2)


def describe_samples(path: Path) -> dict[str, int]:
    """Return the number of calibration `images` and how many of them are `per_class`."""
    labels = read_samples(path)[:, 1]
    return {"images": len(labels), "per_class": int(np.bincount(labels).max())}
