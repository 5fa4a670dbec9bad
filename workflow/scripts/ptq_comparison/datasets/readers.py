"""The kinds of data sets, and which reader reads which.

Apart from the package's `__init__`, so that an edited reader reruns only what reads. Snakemake
itself looks at `KINDS` whenever it starts: nothing here may import numpy or Pillow, which the
environments of the rules alone may have. So a reader is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.options import DEFAULTS, Options

if TYPE_CHECKING:
    from ptq_comparison.datasets.dataset import Dataset


def _read_shapes(source: Path | None, options: Options) -> Dataset:
    from ptq_comparison.datasets.shapes import read_shapes

    return read_shapes()


def _read_cifar10(source: Path, options: Options) -> Dataset:
    from ptq_comparison.datasets.cifar10 import read_cifar10

    return read_cifar10(source, options)


def _read_image_folder(source: Path, options: Options) -> Dataset:
    from ptq_comparison.datasets.image_folder import read_image_folder

    return read_image_folder(source, options)


def _read_parquet(source: Path, options: Options) -> Dataset:
    from ptq_comparison.datasets.parquet import read_parquet

    return read_parquet(source, options)


def _read_tar(source: Path, options: Options) -> Dataset:
    from ptq_comparison.datasets.tar import read_tar

    return read_tar(source, options)


def _read_npz(source: Path, options: Options) -> Dataset:
    from ptq_comparison.datasets.npz import read_npz

    return read_npz(source, options)


class Kind(NamedTuple):
    """A kind of data set: its reader, and whether it is read from a path, or can be downloaded.

    One of `encoded` images is decoded here, so that the geometry of the configuration counts, and
    the keys that say which image is in which split and of which class.
    """

    read: Callable[..., Dataset]
    needs_path: bool = True
    downloadable: bool = False
    encoded: bool = False


KINDS = {
    "shapes": Kind(_read_shapes, needs_path=False),
    "cifar10": Kind(_read_cifar10, downloadable=True),
    "image_folder": Kind(_read_image_folder, encoded=True),
    "npz": Kind(_read_npz),
    "parquet": Kind(_read_parquet, encoded=True),
    "tar": Kind(_read_tar, encoded=True),
}


# Keys of section dataset, with the values that do nothing, that only encoded images have a use for.
GEOMETRY_KEYS = {
    **dict.fromkeys(("resize", "crop", "pad", "interpolation"), (None,)),
    "channels": (None, "RGB", "BGR"),  # BGR is an order of the model's input
    "store": ("auto", "decoded"),
}
SPLIT_KEYS = ("splits", "hold_out", "calibration", "labels", "classes", "class_order")
UNUSED = {
    **dict.fromkeys(GEOMETRY_KEYS, "has decoded images, which stay as they are"),
    **dict.fromkeys(SPLIT_KEYS, "has splits and classes of its own"),
}


def kind_conflicts(dataset: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each key of section `dataset` that its kind of data set has no use for."""
    if not KINDS[dataset["name"]].encoded:
        kinds = ", ".join(name for name, kind in KINDS.items() if kind.encoded)
        for key, reason in UNUSED.items():
            if dataset[key] not in GEOMETRY_KEYS.get(key, (None,)):
                yield (
                    f"dataset.{key}: {dataset['name']} {reason}; leave it out, or use a data set "
                    f"of files: {kinds}"
                )


def kinds_with_path() -> str:
    """Return the names of the kinds of data sets that are read from a path, for a message."""
    return ", ".join(name for name, kind in KINDS.items() if kind.needs_path)


def read_dataset(name: str, source: Path | None, options: Options = DEFAULTS) -> Dataset:
    """Read the data set `name` from a file or folder; a synthetic one needs no source.

    `options` say what is what in a data set of files. The others have splits and labels of their
    own; their validation images may be a folder of files.

    Raises UserError for an unknown name, and what the readers raise.
    """
    if name not in KINDS or KINDS[name].needs_path != (source is not None):
        without = ", ".join(kind for kind in KINDS if not KINDS[kind].needs_path)
        raise UserError(
            f"dataset.name: {name!r} (source: {source}) is unknown; "
            f"allowed: {without}, and with a path {kinds_with_path()}"
        )
    dataset = KINDS[name].read(source, options)
    if options.validation and dataset.validation is None:
        from ptq_comparison.datasets.validation_folder import with_validation

        dataset = with_validation(dataset, options)
    return dataset
