"""A data set in one NumPy archive, of which only labels and names are read into memory."""

import errno
import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import check_is_file
from ptq_comparison.datasets.dataset import (
    SPLITS,
    Dataset,
    Split,
    check_counts,
    check_image_shape,
    numbered_names,
)
from ptq_comparison.datasets.npy import Header, read_header
from ptq_comparison.datasets.options import DEFAULTS, Options

USE = {"train": "calibrates", "test": "is tested on"}
NAMES = "class_names"
# NumPy writes no others; they unpack to more, and may ask for any memory to do so.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MOST_BYTES = 160_000_000  # of labels, for 20 million images; ImageNet-21k has 14 million


class _File(io.FileIO):
    """A file whose list of members, which `zipfile` reads at once, may not be long."""

    most = 2**20  # bytes at once, about 15,000 members

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.most:
            raise ValueError("its list of members is too long")
        return super().read(size)


class StoredImages:
    """Images in an archive that look like an array, uint8 (N, H, W, C), and are read when sliced.

    So memory stays flat, whatever an archive claims or unpacks to.
    """

    def __init__(self, where: str, member: IO[bytes], shape: tuple[int, ...]) -> None:
        self._where, self._member, self._start = where, member, member.tell()
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: slice) -> np.ndarray:
        start, stop, _ = index.indices(len(self))
        size = math.prod(self.shape[1:])
        with _one_line(self._where):
            self._member.seek(self._start + start * size)
            pixels = np.frombuffer(self._member.read((stop - start) * size), np.uint8)
            return pixels.reshape(stop - start, *self.shape[1:])


def read_npz(path: Path, options: Options = DEFAULTS) -> Dataset:
    """Read arrays `train_images`, `train_labels`, `test_images`, `test_labels`, `class_names`.

    Images are uint8 (N, H, W, C), or (N, H, W) for one channel; labels are integers from 0. Without
    `class_names`, which are optional, the classes are named by their number. `dataset.validation`
    may be the beginning of two further names, as `val` of `val_images`. Raises UserError when an
    array is missing or of another kind, and for labels from 1. Pickled objects are refused.
    """
    check_is_file(path)
    own = options.validation
    if own in SPLITS:
        raise UserError(f"dataset.validation: {own} is the split that {USE[own]}; name another one")
    with _one_line(path):
        file = _File(path)
        archive = zipfile.ZipFile(file)
        file.most = path.stat().st_size
        found = {name.removesuffix(".npy"): name for name in archive.namelist()}
        names = [*SPLITS, *([own] if own and f"{own}_images" in found else [])]
        arrays = [f"{name}_{what}" for name in names for what in ("images", "labels")]
        opened = {name: _open(archive, found[name]) for name in (*arrays, NAMES) if name in found}
    missing = [name for name in arrays if name not in found]
    if missing:
        raise UserError(
            f"{path}: no array {', '.join(missing)}; needed: {', '.join(arrays)}, "
            f"found: {', '.join(map(ascii, found))[:200]}"
        )
    train, test, *others = (
        Split(
            _images(f"{path}: {name}_images", *opened[f"{name}_images"]),
            _labels(f"{path}: {name}_labels", *opened[f"{name}_labels"]),
        )
        for name in names
    )
    for name, split in zip(names, (train, test, *others), strict=True):
        check_counts(name, split)
    if NAMES in found:
        class_names = _class_names(f"{path}: {NAMES}", *opened[NAMES])
    else:
        labels = np.concatenate([train.labels, test.labels])
        remedy = f"add {NAMES} with the names of all, if class 0 has no images"
        class_names = numbered_names(labels, len(train.labels), str(path), remedy)
    return Dataset(class_names, train, test, validation=others[0] if others else None)


@contextmanager
def _one_line(where: Path | str) -> Iterator[None]:
    """Turn whatever is raised for another file or a damaged archive into one line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # Of the disk, not of the archive; a false offset in an archive is an invalid argument.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise UserError(
            f"{where}: not a NumPy .npz archive of plain arrays ({first_line(error)}); write "
            "it again with np.savez"
        ) from error


def _open(archive: zipfile.ZipFile, name: str) -> tuple[IO[bytes], Header]:
    """Open an array of the archive behind its header, which must fit the size of the member."""
    if archive.namelist().count(name) > 1:
        raise ValueError(f"it holds {name} twice")
    info = archive.getinfo(name)
    if info.compress_type not in COMPRESSIONS:
        raise ValueError(f"{name} is compressed in a way that NumPy does not use")
    member = archive.open(info)
    header = read_header(member)
    if member.tell() + header.size != info.file_size:
        raise ValueError(f"{name} has not as many bytes as its shape {header.shape} needs")
    return member, header


def _images(where: str, member: IO[bytes], header: Header) -> StoredImages:
    dtype, shape = header
    shape = (*shape, 1) if len(shape) == 3 else shape
    if dtype != np.uint8 or len(shape) != 4:
        raise UserError(
            f"{where} is {dtype} of shape {shape}; uint8 of shape (N, H, W, C) is needed"
        )
    check_image_shape(where, shape[1:])
    return StoredImages(where, member, shape)


def _labels(where: str, member: IO[bytes], header: Header) -> np.ndarray:
    if header.dtype.kind not in "iu":
        raise UserError(f"{where} is {header.dtype}; integers from 0 are needed")
    labels = _values(where, member, header, MOST_BYTES)  # Keras stores labels as (N, 1)
    if labels.size and labels.max() > np.iinfo(np.int64).max:
        raise UserError(f"{where} has the label {labels.max()}; number the classes from 0")
    return labels.astype(np.int64)


def _class_names(where: str, member: IO[bytes], header: Header) -> list[str]:
    dtype, shape = header
    if dtype.kind not in "USiu" or len(shape) > 1:
        raise UserError(f"{where} is {dtype} of shape {shape}; a list of texts is needed")
    with _one_line(where):
        names = _values(where, member, header, MOST_BYTES // 16).tolist()
        return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _values(where: str, member: IO[bytes], header: Header, most: int) -> np.ndarray:
    """Read a whole array, (N,), of up to `most` bytes."""
    if header.size > most:
        raise UserError(f"{where} has {header.size:,} bytes; up to {most:,} are read")
    with _one_line(where):
        return np.frombuffer(member.read(header.size), header.dtype)
