"""Parquet files of encoded images, as Hugging Face has: `data/train-00000-of-00001.parquet`."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import named, shown_names
from ptq_comparison.datasets.assembly import make_dataset
from ptq_comparison.datasets.dataset import Dataset
from ptq_comparison.datasets.encoded import ROW, References
from ptq_comparison.datasets.listing import Listing, label_listing
from ptq_comparison.datasets.options import Options
from ptq_comparison.datasets.parquet_rows import find_columns, open_file, reason_of
from ptq_comparison.datasets.shards import find_shards


class Labels(NamedTuple):
    """The labels of a file as they are written, and the names of the classes, if it has them."""

    texts: list[str]
    class_names: list[str] | None


def read_parquet(path: Path, options: Options) -> Dataset:
    """Read files with a column of encoded images and one of labels, numbers or names.

    The classes are those of the metadata, if it names any, in that order. Raises UserError.
    """
    shards = find_shards(path, ".parquet", options)
    return make_dataset({split: _listing(files) for split, files in shards.items()}, options)


def _listing(files: Sequence[Path]) -> Listing:
    labels = [_labels(file) for file in files]
    names = labels[0].class_names
    for file, other in zip(files, labels, strict=True):
        if other.class_names != names:
            raise UserError(
                f"{file}: has other classes than {files[0]}; write all files of a data set together"
            )
    references = References.of(
        (file, ROW, row)
        for file, own in zip(files, labels, strict=True)
        for row in range(len(own.texts))
    )
    listing = label_listing(references, [text for own in labels for text in own.texts])
    if names is None:
        return listing
    highest = int(listing.labels.max(initial=-1))
    if listing.names is not None or highest >= len(names):
        raise UserError(
            f"{files[0]}: names {len(names)} classes, but labels go up to {highest}; write it again"
        )
    return listing._replace(names=names, ordered=True)


def _labels(file: Path) -> Labels:
    parquet = open_file(file)  # says so where pyarrow is missing
    import pyarrow as pa

    schema = parquet.schema_arrow
    columns = find_columns(file, schema)
    if columns.label is None:
        raise UserError(
            f"{file}: no column label; found: {shown_names(map(named, schema.names))}; write "
            "labels as numbers of classes, or as names"
        )
    try:
        values = parquet.read(columns=[columns.label]).column(columns.label)
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{file}: cannot be read ({reason_of(error)}); download or write it again"
        ) from error
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_string(kind)):
        raise UserError(f"{file}: column {columns.label} is {kind}; integers or texts are needed")
    return Labels(["" if v is None else str(v) for v in values.to_pylist()], columns.class_names)
