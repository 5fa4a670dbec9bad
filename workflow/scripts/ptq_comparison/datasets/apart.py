"""That no image is in two splits: by the place of its file, by its bytes, or by its pixels."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ptq_comparison.common.digests import digests_of
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import Dataset, slices
from ptq_comparison.datasets.encoded import References


def check_places(train: References, test: References) -> None:
    """Raise UserError for a file that is named in both splits."""
    shared = _first_shared(train, test)
    if shared is not None:
        raise UserError(
            f"{train.name(shared)}: is in both splits; accuracy is measured on "
            "other images than those that calibrate: leave it out of one"
        )


def check_validation_places(validation: References, others: Mapping[str, References]) -> None:
    """Raise UserError for a file of the validation images that is in another split, too."""
    for split, references in others.items():
        shared = _first_shared(validation, references)
        if shared is not None:
            raise UserError(
                f"dataset.validation: {validation.name(shared)}: is in the {split} split, too; "
                "name a split or a folder of other images"
            )


def _first_shared(references: References, others: References) -> int | None:
    """Return the number of the first image that is among others, None where there is none."""
    places = {_place(row) for row in others.rows}
    return next((n for n, row in enumerate(references.rows) if _place(row) in places), None)


def _place(row: np.void) -> tuple[bytes, int, int]:
    return os.path.abspath(row["file"]), int(row["offset"]), int(row["length"])


def check_validation_apart(dataset: Dataset, stored: Mapping[str, Path]) -> None:
    """Raise UserError where a validation image is in another split, too; nothing without any.

    `stored` are the stored images of each split. Where both splits are stored as pixels, these are
    compared (BLAKE2b), else the bytes of the files with those of the test split: to read those of
    a training split of a million files would take hours.
    """
    validation = dataset.validation
    if validation is None:
        return
    arrays = {split: np.load(path, mmap_mode="r") for split, path in stored.items()}
    references: References | None = getattr(validation.images, "references", None)
    for split in ("test", "train"):
        if all(arrays[name].dtype.fields is None for name in (split, "validation")):
            shared = _equal_pixels(arrays["validation"], arrays[split])
        elif split == "test" and references and dataset.references:
            shared = _equal_files(references, dataset.references[1])
        else:
            continue
        if shared:
            first = references.name(shared[0]) if references else f"number {shared[0]:,} from 0 on"
            raise UserError(
                f"dataset.validation: {len(shared):,} of {len(validation.labels):,} images are in "
                f"the {split} split, too, the first one is {first}; leave them out of one"
            )


def _equal_pixels(images: np.ndarray, others: np.ndarray) -> list[int]:
    """Return the numbers of images whose pixels are among others; both are uint8 (N, H, W, C)."""
    known = set(_pixel_digests(others))
    return [number for number, digest in enumerate(_pixel_digests(images)) if digest in known]


def _pixel_digests(images: np.ndarray) -> Iterator[bytes]:
    for piece in slices(images.shape):
        yield from map(bytes, digests_of(images[piece]))


def _equal_files(images: References, others: References) -> list[int]:
    """Return the numbers of encoded images that are among others."""
    known = {digest for _, digest in _file_digests(others, _sizes(images))}
    return [number for number, digest in _file_digests(images, _sizes(others)) if digest in known]


def _sizes(references: References) -> set[int]:
    return {references.size(number) for number in range(len(references))}


def _file_digests(references: References, sizes: set[int]) -> Iterator[tuple[int, bytes]]:
    """Yield number and SHA-256 of each encoded image that has one of the sizes.

    Others stay unread. The size of a row of a table is 0, which stands for any.
    """
    for number in range(len(references)):
        size = references.size(number)
        if 0 in sizes or size == 0 or size in sizes:
            yield number, hashlib.sha256(references.read(number)).digest()
