"""A data set in one NumPy archive."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import FROM_ONE, Dataset, Split

# What NumPy raises for other files and damaged archives; TypeError and AttributeError for a .npy,
# which holds one array.
DAMAGE = (
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


def read_npz(path: Path) -> Dataset:
    """Read arrays `train_images`, `train_labels`, `test_images`, `test_labels`, `class_names`.

    Images are uint8 (N, H, W, C), or (N, H, W) for one channel; labels are integers from 0. Without
    `class_names`, which are optional, the classes are named by their number. Raises UserError when
    an array is missing or of another kind, and for labels from 1. Pickled objects are refused.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except DAMAGE as error:
        raise UserError(f"{path}: not a NumPy .npz archive of plain arrays ({error})") from error
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise UserError(
            f"{path}: no array {', '.join(missing)}; needed: {', '.join(ARRAYS)}, "
            f"found: {', '.join(arrays)}"
        )
    train, test = (
        Split(
            _images(path, f"{name}_images", arrays[f"{name}_images"]),
            _labels(path, f"{name}_labels", arrays[f"{name}_labels"]),
        )
        for name in ("train", "test")
    )
    if "class_names" in arrays:
        class_names = [str(name) for name in np.atleast_1d(arrays["class_names"])]
    else:
        labels = np.concatenate([train.labels, test.labels])
        highest = int(labels.max(initial=-1))
        # Taken for names, they would make a class 0 without any image.
        if labels.size and labels.min() == 1:
            raise UserError(f"{path}: labels run from 1 to {highest}: {FROM_ONE}")
        class_names = [str(label) for label in range(highest + 1)]
    return Dataset(class_names, train, test)


def _images(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.dtype != np.uint8 or array.ndim != 4:
        raise UserError(
            f"{path}: {name} is {array.dtype} of shape {array.shape}; "
            "uint8 of shape (N, H, W, C) is needed"
        )
    return array


def _labels(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "iu":
        raise UserError(f"{path}: {name} is {array.dtype}; integers from 0 are needed")
    return array.reshape(-1).astype(np.int64)  # Keras stores labels as (N, 1)
