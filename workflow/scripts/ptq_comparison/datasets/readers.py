"""Which reader reads which data set.

Apart from the package's `__init__`, so that an edited reader reruns only what reads.
"""

from pathlib import Path

from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import Dataset


def read_dataset(name: str, source: Path | None) -> Dataset:
    """Read the data set `name` from a file or folder; `shapes` needs no source.

    Raises UserError for an unknown name, and what the readers raise.
    """
    # A reader is imported only when it is asked for: Pillow is not for everybody.
    match name, source:
        case "shapes", None:
            from ptq_comparison.datasets.shapes import read_shapes

            return read_shapes()
        case "cifar10", Path():
            from ptq_comparison.datasets.cifar10 import read_cifar10

            return read_cifar10(source)
        case "image_folder", Path():
            from ptq_comparison.datasets.image_folder import read_image_folder

            return read_image_folder(source)
        case "npz", Path():
            from ptq_comparison.datasets.npz import read_npz

            return read_npz(source)
    raise UserError(
        f"dataset.name: {name!r} (source: {source}) is unknown; "
        "allowed: shapes, and with a path cifar10, image_folder, npz"
    )
