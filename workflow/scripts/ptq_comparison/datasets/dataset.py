"""Image data sets behind one interface.

A reader (module `readers`) turns a source into a `Dataset`; `write_split` stores a split of it as
memory-mappable arrays; module `stored` opens those.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import atomic_path
from ptq_comparison.datasets.names import check_name
from ptq_comparison.datasets.npy import write_npy

if TYPE_CHECKING:
    from ptq_comparison.datasets.encoded import References

UNLABELLED = -1
SPLITS = ("train", "test")
FROM_ONE = "labels start at 1; this workflow counts from 0: subtract 1"
# In memory at once while a split is written: images of CIFAR-10's size, or bytes of larger ones.
CHUNK = 1000
CHUNK_BYTES = 16 * 2**20
SHOWN = 10  # names in a line of the log
MOST_IMAGE_BYTES = 40_000_000  # a photo of 13 megapixels; no classifier's input is near it


class Split(NamedTuple):
    """Images, uint8 (N, H, W, C), and labels, int64 (N,).

    `images` is an array or anything with `len`, `shape` and slices that are such arrays.
    """

    images: Any
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """The training split, which calibration images come from, and the test split.

    Images that recipes are chosen on may have a split of their own, `validation`.

    `references` are those of both splits, for a data set of files. Its training images may have the
    label -1, which stands for none, and its classes may have no images.
    """

    class_names: Sequence[str]
    train: Split
    test: Split
    description: str = ""
    references: tuple[References, References] | None = None
    validation: Split | None = None

    def splits(self) -> dict[str, Split]:
        """Return the splits by name: `train`, `test`, and `validation`, if there is one."""
        splits = {"train": self.train, "test": self.test}
        return splits if self.validation is None else {**splits, "validation": self.validation}


def check_dataset(dataset: Dataset) -> None:
    """Raise UserError when a split is empty, shapes disagree, or a label has no class name.

    Also for class names that cannot be shown, or too many of them. The log notes classes without
    images.
    """
    for name in dataset.class_names:
        check_name("dataset.path: the class", name)
    for name, split in dataset.splits().items():
        check_counts(name, split)
        labels = split.labels
        if name == "validation" or (dataset.references and name == "train"):
            labels = labels[labels != UNLABELLED]
        if len(labels):
            check_labels(name, labels, len(dataset.class_names))
            note_empty_classes(name, labels, dataset.class_names)
    if not dataset.references:
        check_class_count(len(dataset.class_names), len(dataset.train.labels))
    shape = dataset.test.images.shape[1:]
    if dataset.train.images.shape[1:] != shape:
        raise UserError(
            f"dataset.path: training images have the shape {dataset.train.images.shape[1:]}, test "
            f"images {shape}; all must be equal: set dataset.resize or model.preset"
        )
    if dataset.validation and dataset.validation.images.shape[1:] != shape:
        resize = "set dataset.resize or model.preset" if dataset.references else "resize them"
        raise UserError(
            f"dataset.validation: its images have the shape {dataset.validation.images.shape[1:]}, "
            f"test images {shape}; all must be equal: {resize}"
        )
    check_image_shape("dataset.path", shape)


def note_empty_classes(name: str, labels: np.ndarray, class_names: Sequence[str]) -> None:
    """Let the log say which classes have no images in a split."""
    counts = np.bincount(labels, minlength=len(class_names))
    empty = [class_names[label] for label in np.flatnonzero(counts == 0).tolist()]
    if empty:
        more = ", ..." if len(empty) > SHOWN else ""
        text = "%s split: %d of %d classes have no images: %s%s"
        shown = ", ".join(empty[:SHOWN])
        logging.info(text, name, len(empty), len(class_names), shown, more)


def check_counts(name: str, split: Split) -> None:
    """Raise UserError when a split is empty, or has not a label for each image."""
    images, labels = split
    if len(labels) == 0:
        raise UserError(f"dataset.path: the {name} split has no images; check the data set")
    if len(images) != len(labels):
        raise UserError(
            f"dataset.path: the {name} split has {len(images)} images and {len(labels)} labels"
        )


def check_image_shape(where: str, shape: tuple[int, ...]) -> None:
    """Raise UserError for images (H, W, C) that are empty, or too large for memory."""
    if not 0 < math.prod(shape) <= MOST_IMAGE_BYTES:
        raise UserError(
            f"{where}: height, width, channels of an image are {shape}; 1 to {MOST_IMAGE_BYTES:,} "
            "bytes are possible: resize all images to the size of the model's input, files by "
            "dataset.resize"
        )


def check_class_count(classes: int, images: int) -> None:
    """Raise UserError where classes are left without an image to calibrate on."""
    if classes > images:
        raise UserError(
            f"dataset.path: {classes} classes, but {images} training images, and each class needs "
            "one; number the classes from 0 without a gap, and name no others"
        )


def numbered_names(labels: np.ndarray, images: int, where: str, remedy: str) -> list[str]:
    """Return the names of classes that `labels`, those of both splits, only number: 0, 1, ...

    Raises UserError where labels start at 1: taken for names, they would make a class 0 without
    any image. Also where there are fewer `images` than classes.
    """
    highest = int(labels.max(initial=UNLABELLED))
    if labels.size and labels.min() == 1:
        raise UserError(f"{where}: labels run from 1 to {highest}: {FROM_ONE}, or {remedy}")
    check_class_count(highest + 1, images)
    return [str(label) for label in range(highest + 1)]


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


def slices(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield pieces of images of a shape (N, H, W, C), as large as may be in memory at once."""
    step = max(1, min(CHUNK, CHUNK_BYTES // math.prod(shape[1:])))
    for start in range(0, shape[0], step):
        yield slice(start, start + step)


def write_split(split: Split, images_path: Path, labels_path: Path) -> dict[str, Any]:
    """Store a split as two `.npy` files; return its number of images and SHA-256."""
    digest = hashlib.sha256()
    shape = (len(split.labels), *split.images.shape[1:])
    labels = split.labels.astype(np.int64)

    def chunks() -> Iterator[np.ndarray]:
        for piece in slices(shape):
            chunk = np.ascontiguousarray(split.images[piece])
            digest.update(chunk.data)
            yield chunk

    with atomic_path(images_path) as temporary:
        write_npy(temporary, np.uint8, shape, chunks())
    digest.update(labels.data)
    with atomic_path(labels_path) as temporary:
        write_npy(temporary, np.int64, labels.shape, [labels])
    return {"images": len(labels), "sha256": digest.hexdigest()}
