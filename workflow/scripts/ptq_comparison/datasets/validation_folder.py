"""Validation images in a folder of their own, which `dataset.validation` names."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import PATH, named
from ptq_comparison.datasets.class_names import Classes
from ptq_comparison.datasets.dataset import UNLABELLED, Dataset, Split
from ptq_comparison.datasets.image_files import ImageFiles
from ptq_comparison.datasets.listing import Listing, class_folders, list_class_folders
from ptq_comparison.datasets.options import Options

KEY = "dataset.validation"
REMEDY = "correct the name of its folder, or leave it out"


def list_validation(options: Options, path: Path | None = None) -> Listing:
    """List the class folders of `dataset.validation`: a folder in `path`, or one beside it.

    Raises UserError where there is no such folder, or it has no class folders.
    """
    name = str(options.validation)
    folders = [path / name] if path else []
    folders.append(Path(name))
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        raise UserError(
            f"{KEY}: {named(name, PATH)}: no split of the data set has this name, and no folder; "
            "correct it, or set it to null"
        )
    if not class_folders(folder):
        raise UserError(
            f"{KEY}: {folder}: has no folders; put the images of each class into a folder"
        )
    return list_class_folders(folder)


def check_labels_known(labels: np.ndarray) -> None:
    """Raise UserError unless an image has a label; `labels` are int64 (N,)."""
    if len(labels) and labels.max() == UNLABELLED:
        raise UserError(f"{KEY}: its images have no labels; name a split or a folder that has")


def with_validation(dataset: Dataset, options: Options) -> Dataset:
    """Return a data set of arrays with validation images from a folder of PNG or JPEG files.

    They have the size of the other images. Raises UserError for an unknown class.
    """
    listing = list_validation(options)
    classes = Classes([[name] for name in dataset.class_names], loosely=True)
    table = [classes.index(name, KEY, REMEDY) for name in listing.names or ()]
    channels = "grey" if dataset.test.images.shape[3] == 1 else "RGB"
    images = ImageFiles(listing.references, {"channels": channels})
    return replace(dataset, validation=Split(images, np.array(table, np.int64)[listing.labels]))
