"""Image data sets behind one interface.

A reader (module `readers`) turns a source into a `Dataset`; `write_split` stores a split of it as
memory-mappable arrays; `read_split` opens those.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import atomic_path

SPLITS = ("train", "test")
FROM_ONE = "labels start at 1; this workflow counts from 0: subtract 1"
CHUNK = 1000  # images in memory at once while a split is written


class Split(NamedTuple):
    """Images, uint8 (N, H, W, C), and labels, int64 (N,).

    `images` is an array or anything with `len`, `shape` and slices that are such arrays.
    """

    images: Any
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """The training split, which calibration images come from, and the test split."""

    class_names: Sequence[str]
    train: Split
    test: Split
    description: str = ""


def check_dataset(dataset: Dataset) -> None:
    """Raise UserError when a split is empty, shapes disagree, or a label has no class name."""
    for name in SPLITS:
        images, labels = getattr(dataset, name)
        if len(labels) == 0:
            raise UserError(f"dataset.path: the {name} split has no images; check the data set")
        if len(images) != len(labels):
            raise UserError(
                f"dataset.path: the {name} split has {len(images)} images and {len(labels)} labels"
            )
        check_labels(name, labels, len(dataset.class_names))
    if dataset.train.images.shape[1:] != dataset.test.images.shape[1:]:
        raise UserError(
            f"dataset.path: training images have the shape {dataset.train.images.shape[1:]}, test "
            f"images {dataset.test.images.shape[1:]}; all must be equal"
        )


def check_labels(name: str, labels: np.ndarray, classes: int) -> None:
    """Raise UserError, with what to do, unless all labels of a split are numbers of classes."""
    low, high = int(labels.min()), int(labels.max())
    split = f"dataset.path: labels of the {name} split"
    if low == 1 and high == classes:
        raise UserError(f"{split} run from 1 to {high}: {FROM_ONE}")
    if low < 0 or high >= classes:
        wrong = np.unique(labels[(labels < 0) | (labels >= classes)])
        shown = ", ".join(map(str, wrong[:3])) + (", ..." if len(wrong) > 3 else "")
        raise UserError(
            f"{split} run from {low} to {high}, but there are "
            f"{classes} classes, 0 to {classes - 1}; remove or relabel the images labelled {shown}"
            f"{', or name all classes' if low >= 0 else ''}"
        )


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is of a system or a tool, and no part of a data set.

    Such are .ipynb_checkpoints, .DS_Store, ._1.png, @eaDir, __MACOSX and Thumbs.db.
    """
    return name.startswith((".", "@")) or name in ("__MACOSX", "Thumbs.db")


def write_split(split: Split, images_path: Path, labels_path: Path) -> dict[str, Any]:
    """Store a split as two `.npy` files; return its number of images and SHA-256."""
    digest = hashlib.sha256()
    shape = (len(split.labels), *split.images.shape[1:])
    with atomic_path(images_path) as temporary:
        stored = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        for start in range(0, len(stored), CHUNK):
            chunk = np.ascontiguousarray(split.images[start : start + CHUNK])
            stored[start : start + CHUNK] = chunk
            digest.update(chunk.data)
        stored.flush()
    labels = split.labels.astype(np.int64)
    digest.update(labels.tobytes())
    with atomic_path(labels_path) as temporary:
        np.save(temporary, labels)
    return {"images": len(labels), "sha256": digest.hexdigest()}


def read_split(images_path: Path, labels_path: Path) -> Split:
    """Open a stored split; the images stay on disk until they are looked at."""
    return Split(np.load(images_path, mmap_mode="r"), np.load(labels_path))
