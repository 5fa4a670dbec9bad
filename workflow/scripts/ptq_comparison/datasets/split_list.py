"""Which images were drawn for which split, written down in the form of `dataset.labels`."""

import csv
import os
from pathlib import Path

from ptq_comparison.common.files import atomic_path
from ptq_comparison.datasets.dataset import SPLITS, UNLABELLED, Dataset


def write_split_list(dataset: Dataset, source: Path, path: Path) -> None:
    """Write `path,label,split` of each image of a data set of files; the label is its number.

    Paths below `source` are relative to it, so that the file may be the labels of another run.
    """
    assert dataset.references
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "label", "split"))
        for split, references in zip(SPLITS, dataset.references, strict=True):
            labels = getattr(dataset, split).labels.tolist()
            for number, label in enumerate(labels):
                name = references.name(number).removeprefix(f"{os.path.normpath(source)}/")
                writer.writerow((name, "" if label == UNLABELLED else label, split))
