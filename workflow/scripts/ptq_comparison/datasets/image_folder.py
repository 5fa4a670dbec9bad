"""A data set of image files: `split/class/*.png` or `.jpg`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import SPLITS, Dataset, Split
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.image_files import ImageFiles
from ptq_comparison.datasets.names import check_name, is_hidden

SUFFIXES = {".png", ".jpg", ".jpeg"}


def read_image_folder(path: Path, geometry: Mapping[str, Any] | None = None) -> Dataset:
    """Read `train/<class>/*` and `test/<class>/*`, PNG or JPEG, of one size behind the geometry.

    Classes are the sorted folder names of the training split, images are sorted by class
    and file name. Raises UserError for a missing split, an unknown class in the test split, a name
    that cannot be written, a file that is not an image, or images of different sizes. Hidden files
    and folders are skipped.
    """
    for split in SPLITS:
        if not (path / split).is_dir():
            raise UserError(f"{path / split}: no such folder; image_folder wants {split}/<class>/")
    class_names = _class_names(path / "train")
    unknown = sorted(set(_class_names(path / "test")) - set(class_names))
    if unknown:
        raise UserError(f"{path / 'test' / unknown[0]}: no such class in {path / 'train'}")
    train = _read_split(path / "train", class_names, geometry)
    test = _read_split(path / "test", class_names, train.images.geometry)
    return Dataset(class_names, train, test)


def _class_names(folder: Path) -> list[str]:
    names = sorted(e.name for e in folder.iterdir() if e.is_dir() and not is_hidden(e.name))
    for name in names:
        check_name(f"{folder}: the folder", name)
    return names


def _read_split(
    folder: Path, class_names: Sequence[str], geometry: Mapping[str, Any] | None
) -> Split:
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(class_names):
        members = sorted(
            file
            for file in (folder / name).glob("*")
            if file.suffix.lower() in SUFFIXES and not is_hidden(file.name)
        )
        for file in members:
            check_name(f"{folder / name}: the file", file.name)
        files += members
        labels += [label] * len(members)
    return Split(ImageFiles(References.of_files(files), geometry), np.array(labels, dtype=np.int64))
