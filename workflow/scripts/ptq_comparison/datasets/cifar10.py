"""CIFAR-10: the python version and the binary version, as a folder or as the archive.

A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
"""

import lzma
import os
import tarfile
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import check_is_file
from ptq_comparison.datasets.archive import read_members
from ptq_comparison.datasets.dataset import Dataset, Split
from ptq_comparison.datasets.names import is_hidden
from ptq_comparison.datasets.options import DEFAULTS, Options
from ptq_comparison.datasets.pickled_batch import PIXELS, read_batch, read_class_names

TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
BATCHES = (*TRAIN_BATCHES, TEST_BATCH)
# Of each version: what is appended to the names of its batches, and the file of class names.
VERSIONS = {"": "batches.meta", ".bin": "batches.meta.txt"}


def _files_of(suffix: str) -> list[str]:
    return [*(name + suffix for name in BATCHES), VERSIONS[suffix]]


ALL_FILES = [name for suffix in VERSIONS for name in _files_of(suffix)]
MOST_BYTES = 400_000_000  # of all files; CIFAR-10 has 186 million
TOO_LARGE = f"CIFAR-10 has 186 million, and up to {MOST_BYTES:,} are read; correct dataset.path"
# What Python raises for damaged archives and pickles.
DAMAGE = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError)
NO_BATCH = (ValueError, LookupError, TypeError)


def read_cifar10(path: Path, options: Options = DEFAULTS) -> Dataset:
    """Read either version from its folder, a parent of it, or a tar archive of it.

    Batches may have any number of rows. `dataset.validation` may name a training batch that the
    model has not seen, which is then none of the training split. Raises UserError when no batches
    are found or one of them is damaged.
    """
    folder, files = _read_folder(path) if path.is_dir() else (path, _read_archive(path))
    suffix = _version(files)
    if suffix is None:
        raise UserError(
            f"{path}: neither {TEST_BATCH} (python version) nor {TEST_BATCH}.bin (binary version) "
            "in it; dataset.path must name the folder of the CIFAR-10 batches, its parent, or the "
            "archive of it"
        )
    for file in _files_of(suffix):
        if file not in files:
            raise UserError(f"{folder / file}: no such file; the data set is incomplete")
    parse, parse_names = (_binary_batch, _words) if suffix else (_python_batch, read_class_names)
    try:
        # Popped, so that bytes and pixels of all batches are never in memory at once.
        batches = {}
        for name in BATCHES:
            file = name + suffix
            batches[name] = parse(files.pop(file))
        file = VERSIONS[suffix]
        class_names = parse_names(files.pop(file))
    except NO_BATCH as error:
        # Such an error of Python says no more than the place of the value.
        reason = "a value is missing" if isinstance(error, LookupError) else first_line(error)
        raise UserError(
            f"{folder / file}: not a genuine file of CIFAR-10 ({reason}); download it again"
        ) from error
    own = (options.validation or "").removesuffix(suffix)
    if own == TEST_BATCH:
        raise UserError(
            f"dataset.validation: {own} is the test split; name one of {', '.join(TRAIN_BATCHES)}, "
            "or a folder"
        )
    validation = batches[own] if own in TRAIN_BATCHES else None
    rest = [batches[name] for name in TRAIN_BATCHES if name != own]
    train = Split(
        np.concatenate([batch.images for batch in rest]),
        np.concatenate([batch.labels for batch in rest]),
    )
    return Dataset(class_names, train, batches[TEST_BATCH], validation=validation)


def _version(files: Collection[str]) -> str | None:
    """Return the suffix of the version that is there."""
    return next((suffix for suffix in VERSIONS if TEST_BATCH + suffix in files), None)


def _read_folder(path: Path) -> tuple[Path, dict[str, bytes]]:
    """Return the folder of the batches, `path` or one in it, and the contents of its files."""
    inner = sorted(p for p in path.iterdir() if p.is_dir() and not is_hidden(p.name))
    for folder in (path, *inner):
        present = [name for name in ALL_FILES if os.path.lexists(folder / name)]
        suffix = _version(present)
        if suffix is not None:
            break
    else:
        return path, {}
    files = [folder / name for name in _files_of(suffix) if name in present]
    for file in files:
        check_is_file(file)
    size = sum(file.stat().st_size for file in files)
    if size > MOST_BYTES:
        raise UserError(f"{folder}: its batches have {size:,} bytes; {TOO_LARGE}")
    return folder, {file.name: file.read_bytes() for file in files}


def _read_archive(path: Path) -> dict[str, bytes]:
    check_is_file(path)
    try:
        return read_members(path, ALL_FILES, MOST_BYTES)
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno:  # the disk, not the archive
            raise
        raise UserError(
            f"{path}: not a complete tar archive ({first_line(error)}); delete it, download it "
            "again"
        ) from error
    except ValueError as error:
        raise UserError(
            f"{path}: not an archive of CIFAR-10: {error}; download it again, or pack a folder of "
            "the batches alone"
        ) from error


def _split(pixels: np.ndarray, labels: np.ndarray) -> Split:
    """Turn rows of planes (all red, all green, all blue), uint8 (N, 3072), into NHWC images."""
    images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Split(np.ascontiguousarray(images), labels.astype(np.int64))


def _python_batch(content: bytes) -> Split:
    return _split(*read_batch(content))


def _binary_batch(content: bytes) -> Split:
    """Read rows of one label byte and 3072 pixel bytes."""
    if len(content) % (1 + PIXELS):
        raise ValueError(f"{len(content)} bytes are no multiple of {1 + PIXELS}")
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + PIXELS)
    return _split(rows[:, 1:], rows[:, 0])


def _words(content: bytes) -> list[str]:
    if len(content) > 100_000:
        raise ValueError(f"{len(content):,} bytes of class names")
    return content.decode().split()
