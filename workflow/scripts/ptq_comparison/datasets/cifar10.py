"""CIFAR-10: the python version and the binary version, as a folder or as the archive.

A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
"""

import pickle
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import Dataset, Split, is_hidden

if sys.version_info >= (3, 11, 4):
    import tarfile
else:  # Debian 12 has Python 3.11.2, whose tarfile knows no extraction filters
    from backports import tarfile  # type: ignore[no-redef]

TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
PIXELS = 3 * 32 * 32


def read_cifar10(path: Path) -> Dataset:
    """Read either version from its folder, a parent of it, or a tar archive of it.

    Batches may have any number of rows. Raises UserError when no batches are found or one
    of them is damaged.
    """
    if path.is_dir():
        return _read_folder(path)
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
            raise UserError(
                f"{path}: not a complete tar archive ({error}); delete it, download it again"
            ) from error
        try:
            return _read_folder(Path(folder))
        except UserError as error:
            raise UserError(str(error).replace(folder, str(path))) from error


def _read_folder(path: Path) -> Dataset:
    folders = sorted(p for p in path.iterdir() if p.is_dir() and not is_hidden(p.name))
    for folder in (path, *folders):
        if (folder / TEST_BATCH).is_file():
            return _read_version(folder, "", _read_python_batch, _read_python_names)
        if (folder / f"{TEST_BATCH}.bin").is_file():
            return _read_version(folder, ".bin", _read_binary_batch, _read_binary_names)
    raise UserError(
        f"{path}: neither {TEST_BATCH} (python version) nor {TEST_BATCH}.bin (binary version) "
        "in it; dataset.path must name the folder of the CIFAR-10 batches or its parent"
    )


def _read_version(folder: Path, suffix: str, read_batch: Any, read_names: Any) -> Dataset:
    missing = [n for n in TRAIN_BATCHES if not (folder / (n + suffix)).is_file()]
    if missing:
        raise UserError(
            f"{folder / (missing[0] + suffix)}: no such file; the data set is incomplete"
        )
    batches = [read_batch(folder / (name + suffix)) for name in TRAIN_BATCHES]
    train = Split(
        np.concatenate([batch.images for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
    )
    return Dataset(read_names(folder), train, read_batch(folder / (TEST_BATCH + suffix)))


def _split(pixels: np.ndarray, labels: np.ndarray) -> Split:
    """Turn rows of planes (all red, all green, all blue), uint8 (N, 3072), into NHWC images."""
    images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Split(np.ascontiguousarray(images), labels.astype(np.int64))


def _read_binary_batch(path: Path) -> Split:
    """Read rows of one label byte and 3072 pixel bytes."""
    rows = np.fromfile(path, np.uint8)
    if len(rows) % (1 + PIXELS):
        raise UserError(
            f"{path}: {len(rows)} bytes are no multiple of {1 + PIXELS}; the file is damaged"
        )
    rows = rows.reshape(-1, 1 + PIXELS)
    return _split(rows[:, 1:], rows[:, 0])


def _read_binary_names(folder: Path) -> list[str]:
    path = folder / "batches.meta.txt"
    if not path.is_file():
        raise UserError(f"{path}: no such file; the data set is incomplete")
    return path.read_text().split()


def _read_python_batch(path: Path) -> Split:
    content = _load(path)
    pixels, labels = content.get(b"data"), content.get(b"labels")
    if (
        not isinstance(pixels, np.ndarray)
        or not isinstance(labels, list)
        or pixels.dtype != np.uint8
        or pixels.shape != (len(labels), PIXELS)
    ):
        raise UserError(f"{path}: not a CIFAR-10 batch (data and labels are wanted)")
    return _split(pixels, np.array(labels, dtype=np.int64))


def _read_python_names(folder: Path) -> list[str]:
    path = folder / "batches.meta"
    if not path.is_file():
        raise UserError(f"{path}: no such file; the data set is incomplete")
    return [name.decode() for name in _load(path).get(b"label_names", [])]


class _ArrayUnpickler(pickle.Unpickler):
    """Build plain arrays and nothing else: a pickle can name any function to be called."""

    ALLOWED = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        if name == "_reconstruct":
            return _reconstruct
        return getattr(np, name)


def _reconstruct(subtype: type, shape: tuple[int, ...], kind: Any) -> np.ndarray:
    """Stand in for numpy's private `_reconstruct`, whose module differs between numpy 1 and 2."""
    return np.ndarray.__new__(subtype, shape, kind)


def _load(path: Path) -> dict[bytes, Any]:
    try:
        with path.open("rb") as file:
            # Python 2 wrote these files: its strings arrive as bytes.
            content = _ArrayUnpickler(file, encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise UserError(
            f"{path}: not a genuine CIFAR-10 python batch ({type(error).__name__}: {error}); "
            "download it again"
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a CIFAR-10 python batch; download it again")
    return content
