"""Where the encoded images of a split are and how they are labelled, before anything is decoded."""

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import named
from ptq_comparison.datasets.dataset import UNLABELLED
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.names import check_name, is_hidden
from ptq_comparison.datasets.options import Options

SUFFIXES = {".png", ".jpg", ".jpeg"}
# Of the test split, when the configuration names none; the first one that is there.
TEST_NAMES = ("test", "val", "validation", "valid")
SPLIT_NAMES = ("train", *TEST_NAMES)


class Listing(NamedTuple):
    """N encoded images, and their labels, int64 (N,): indices into `names`, or `UNLABELLED`.

    Without `names`, labels are numbers of outputs. `ordered`: the names have an order of their own.
    """

    references: References
    labels: np.ndarray
    names: Sequence[str] | None = None
    ordered: bool = False


def unlabelled(references: References) -> Listing:
    """Return a listing of images without labels."""
    return Listing(references, np.full(len(references), UNLABELLED, np.int64))


def label_listing(references: References, labels: Sequence[str]) -> Listing:
    """Return the listing of images whose labels are written down, an empty one for none.

    If all are whole numbers, they are numbers of outputs, else names of classes.
    """
    names = sorted(set(labels) - {""})
    numbered = all(re.fullmatch("-?[0-9]{1,18}", name) for name in names)
    values = {name: int(name) if numbered else place for place, name in enumerate(names)}
    values[""] = UNLABELLED
    array = np.array([values[label] for label in labels], np.int64)
    return Listing(references, array, None if numbered else names)


def split_names(options: Options, *tests: Callable[[str], bool]) -> dict[str, str | None]:
    """Return the name that each split has in the data set, or None.

    Each test tells whether there is a split of a name, the strictest test first. Raises UserError
    for one name of both.
    """
    given = options.splits
    if given and os.path.normpath(given["train"]) == os.path.normpath(given["test"]):
        raise UserError(f"dataset.splits: both are {named(given['train'])}; name two splits")
    candidates = {
        "train": (given["train"],) if given else ("train",),
        "test": (given["test"],) if given else TEST_NAMES,
    }
    return {
        split: next((name for test in tests for name in names if test(name)), None)
        for split, names in candidates.items()
    }


def wanted_names(options: Options, split: str) -> str:
    """Return the names that a split may have, for a message."""
    if options.splits:
        return options.splits[split]
    return "train" if split == "train" else " or ".join(TEST_NAMES)


def class_folders(folder: Path) -> list[str]:
    """Return the sorted names of the folders in a folder; hidden ones are left out."""
    if not folder.is_dir():
        return []
    names = sorted(e.name for e in os.scandir(folder) if e.is_dir() and not is_hidden(e.name))
    for name in names:
        check_name(f"{folder}: the folder", name)
    return names


def image_files(folder: Path) -> list[str]:
    """Return the paths of the image files in a folder and below it, in the order of their names.

    Hidden files and folders are skipped; the log counts other files that are no PNG or JPEG.
    """
    others: Counter[str] = Counter()
    files = _walk(str(folder), others)
    for suffix, count in sorted(others.items()):
        logging.info("%s: %d files left out, which are %s", folder, count, suffix)
    return files


def _walk(folder: str, others: Counter[str]) -> list[str]:
    found = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if is_hidden(entry.name):
            continue
        suffix = os.path.splitext(entry.name)[1]
        if suffix.lower() in SUFFIXES:
            check_name(f"{folder}: the file", entry.name)
            found.append(entry.path)
        elif entry.is_dir(follow_symlinks=False):  # a link may lead back to a folder above
            found += _walk(entry.path, others)
        else:
            others[ascii(suffix[:20]) if suffix else "without suffix"] += 1
    return found


def list_class_folders(folder: Path) -> Listing:
    """List `<class>/*` of a folder; a class folder may have folders in it, and may be empty."""
    names = class_folders(folder)
    files: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        members = image_files(folder / name)
        files += members
        labels += [label] * len(members)
    return Listing(References.of_files(files), np.array(labels, np.int64), names)


def list_calibration(folder: Path) -> Listing:
    """List images without labels in a folder and below it. Raises UserError if there are none."""
    if not folder.is_dir():
        raise UserError(f"dataset.calibration: {folder}: no such folder; correct the path")
    files = image_files(folder)
    if not files:
        raise UserError(
            f"dataset.calibration: {folder}: has no PNG or JPEG files; correct the path"
        )
    return unlabelled(References.of_files(files))
