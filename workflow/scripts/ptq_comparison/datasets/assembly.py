"""From listings of encoded images to a data set: classes, hold-out, checks between splits."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import shown_names
from ptq_comparison.datasets.apart import check_places, check_validation_places
from ptq_comparison.datasets.class_names import ORDERS, Classes, read_classes
from ptq_comparison.datasets.dataset import (
    UNLABELLED,
    Dataset,
    Split,
    numbered_names,
)
from ptq_comparison.datasets.image_files import ImageFiles
from ptq_comparison.datasets.listing import Listing, list_calibration
from ptq_comparison.datasets.options import Options
from ptq_comparison.datasets.validation_folder import KEY, check_labels_known, list_validation

MOST_CLASSES = 100_000  # ImageNet-21k has 21,841


def make_dataset(listings: Mapping[str, Listing], options: Options) -> Dataset:
    """Make a data set of the listings `train` and `test`, or of `all`, which the hold-out splits.

    Labels become numbers of outputs. The folder of calibration images takes the place of `train`.
    Without a listing `validation`, `dataset.validation` names a folder. Raises UserError for an
    unknown class, and an image in two splits.
    """
    classes, remedy = _classes(listings, options)
    if options.validation and "validation" not in listings:
        listings = {**listings, "validation": list_validation(options)}
    if len(classes) > MOST_CLASSES:
        raise UserError(
            f"{options.classes or 'dataset.path'}: {len(classes):,} classes; up to "
            f"{MOST_CLASSES:,} are possible: name those of the model's outputs"
        )
    numbered = {
        split: listing._replace(labels=_numbers(listing, classes, split, remedy))
        for split, listing in listings.items()
    }
    if options.calibration:
        numbered["train"] = list_calibration(Path(options.calibration))
    if "all" in numbered:
        numbered |= _hold_out(numbered["all"], options)
    train, test = numbered["train"], numbered["test"]
    if len(test.labels) and test.labels.max() == UNLABELLED:
        raise UserError(
            "dataset.path: the test images have no labels; set dataset.splits to name a split that "
            "has, such as validation"
        )
    if options.labels or options.calibration:
        check_places(train.references, test.references)
    images = ImageFiles(train.references, options.geometry)
    validation = None
    if "validation" in numbered:
        references, labels, *_ = numbered["validation"]
        check_labels_known(labels)
        others = {"train": train.references, "test": test.references}
        check_validation_places(references, others)
        validation = Split(ImageFiles(references, images.geometry), labels)
    return Dataset(
        classes.names,
        Split(images, train.labels),
        # With the channels of the training images, where the geometry leaves them open.
        Split(ImageFiles(test.references, images.geometry), test.labels),
        references=(train.references, test.references),
        validation=validation,
    )


def _classes(listings: Mapping[str, Listing], options: Options) -> tuple[Classes, str]:
    """Return the classes, and what to do about a name that is none of them."""
    if options.classes:
        classes = read_classes(Path(options.classes), options.class_order)
        return classes, f"correct the name, or dataset.classes ({options.classes})"
    # Those of the training split, if it has labels: a name in the test split alone is misspelt.
    for split in ("all", "train", "test"):
        names = listings[split].names if split in listings else None
        if names is not None:
            ordered = listings[split].ordered
            if options.class_order or not ordered:
                names = sorted(names, key=ORDERS[options.class_order or "sorted"])
            if not options.class_order and not ordered:
                _note_numbers(names)
            return Classes([[name] for name in names]), (
                f"correct the name, add an empty folder of it to the {split} split, or set "
                "dataset.classes to a file with the names of all classes"
            )
    # Without those of the validation images, which may be names of their own.
    labels = [own.labels for split, own in listings.items() if split != "validation"]
    names = numbered_names(
        np.concatenate(labels), sum(map(len, labels)), "dataset.labels", "set dataset.classes"
    )
    return Classes([[name] for name in names]), ""


def _note_numbers(names: Sequence[str]) -> None:
    """Let the log say that names with numbers are in the order of texts."""
    in_order = names == sorted(names, key=ORDERS["natural"])
    if not in_order and all(name[-1:].isdecimal() for name in names):
        text = "classes are sorted as texts, not by their numbers: %s; see dataset.class_order"
        logging.info(text, shown_names(names))


def _numbers(listing: Listing, classes: Classes, split: str, remedy: str) -> np.ndarray:
    """Return the numbers of the outputs for the labels of a listing, int64 (N,)."""
    if listing.names is None:
        return listing.labels
    where = {"all": "dataset.path", "validation": KEY}.get(split, f"dataset.path: {split} split")
    table = [classes.index(name, where, remedy) for name in listing.names]
    if len(set(table)) < len(table):
        logging.info("%s: several names stand for one class", where)
    numbers: np.ndarray = np.array([*table, UNLABELLED], np.int64)[listing.labels]
    return numbers


def _hold_out(listing: Listing, options: Options) -> dict[str, Listing]:
    """Draw the test images of each class by chance; the others are candidates of calibration.

    Of a class with two images or more, each split has one.
    """
    generator = np.random.default_rng(options.seed)
    labels, share = listing.labels, options.hold_out or 0.0
    is_test = np.zeros(len(labels), bool)
    for label in np.unique(labels[labels != UNLABELLED]):
        members = np.flatnonzero(labels == label)
        count = round(len(members) * share)
        if len(members) > 1:
            count = min(max(count, 1), len(members) - 1)
        is_test[generator.choice(members, count, replace=False)] = True
    return {
        split: listing._replace(references=listing.references[drawn], labels=labels[drawn])
        for split, drawn in (("train", ~is_test), ("test", is_test))
    }
