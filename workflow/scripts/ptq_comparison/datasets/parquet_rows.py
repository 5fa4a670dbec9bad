"""Rows of a Parquet file: columns by what they hold, and encoded images one after the other.

pyarrow is imported late: only data sets of this kind need it, and it is an optional package.
"""

import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

from ptq_comparison.common.errors import LETTERS, UserError, first_line
from ptq_comparison.common.files import check_is_file
from ptq_comparison.common.texts import named, shown_names

IMAGES, LABELS = ("image", "img"), ("label", "labels", "fine_label", "class", "target")
BATCH = 16  # rows that are unpacked at once
MOST_HELD = 2**26  # bytes of unpacked images that are kept for threads that lag behind


class Columns(NamedTuple):
    """Names of the columns of a file: encoded images, labels, and the names of the classes."""

    image: str
    label: str | None
    class_names: list[str] | None


def open_file(path: Path) -> Any:
    """Open a Parquet file, of which little is held in memory. Raises UserError."""
    check_is_file(path)
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UserError(
            "dataset.name: parquet needs pyarrow, which is not installed; install it into the "
            "environment of the workflow (group parquet of pyproject.toml)"
        ) from error
    try:
        return pq.ParquetFile(path, memory_map=False, buffer_size=2**20, pre_buffer=False)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise UserError(
            f"{path}: not a Parquet file ({reason_of(error)}); download or write it again"
        ) from error


def find_columns(path: Path, schema: Any) -> Columns:
    """Tell from a schema, with the metadata of Hugging Face or without, what is where.

    Images are bytes, or a struct with `bytes`. Raises UserError where no column holds images.
    """
    features = _features(path, schema.metadata or {})
    image = next(
        (
            column
            for name in (*(n for n, f in features.items() if f.get("_type") == "Image"), *IMAGES)
            if name in schema.names and (column := _bytes_of(schema.field(name)))
        ),
        None,
    )
    if image is None:
        raise UserError(
            f"{path}: no column image or img with encoded images; found: "
            f"{shown_names(map(named, schema.names))}; write them as a struct with bytes and path"
        )
    classes = {n: f["names"] for n, f in features.items() if f.get("_type") == "ClassLabel"}
    label = next((name for name in (*LABELS, *classes) if name in schema.names), None)
    return Columns(image, label, classes.get(label) if label else None)


def _features(path: Path, metadata: dict[bytes, bytes]) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(metadata.get(b"huggingface", b"{}"))
        features = content.get("info", {}).get("features", {})
        for name, feature in features.items():
            names = feature["names"] if feature.get("_type") == "ClassLabel" else []
            if not all(isinstance(text, str) for text in names):
                raise ValueError(f"names of {name} are no texts")
        return dict(features)
    except (ValueError, AttributeError, LookupError, TypeError, RecursionError) as error:
        raise UserError(
            f"{path}: its metadata of Hugging Face cannot be read ({reason_of(error)}); write it "
            "again"
        ) from error


def _bytes_of(field: Any) -> str | None:
    """Return the column of the bytes in a field, or None."""
    import pyarrow.types as types

    if types.is_struct(field.type):
        names = [field.type.field(place).name for place in range(field.type.num_fields)]
        return f"{field.name}.bytes" if "bytes" in names else None
    binary = types.is_binary(field.type) or types.is_large_binary(field.type)
    return field.name if binary else None


def reason_of(error: Exception) -> str:
    """Return the first line of an error, with escapes for bytes of the file that it repeats."""
    return named(first_line(error), LETTERS)


class Rows:
    """The encoded images of a file by row; fastest in ascending order. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, open_file(path)
        self._column = find_columns(path, self._file.schema_arrow).image
        self._lock = threading.Lock()
        metadata = self._file.metadata
        groups = range(metadata.num_row_groups)
        self._starts = [0]
        for group in groups:
            self._starts.append(self._starts[-1] + metadata.row_group(group).num_rows)
        self._batches: Any = iter(())
        self._group, self._next = -1, 0  # of the batches, and the first row of the next one
        self._held: OrderedDict[int, bytes] = OrderedDict()
        self._bytes = 0

    def read(self, row: int) -> bytes:
        """Return the bytes of an encoded image. Raises UserError."""
        with self._lock:
            if row not in self._held:
                self._seek(row)
            while row not in self._held:
                self._read_batch(row)
            content = self._held[row]
        if not content:
            raise UserError(
                f"{self._path}: row {row:,} has no image bytes; write it again with them"
            )
        return content

    def _seek(self, row: int) -> None:
        if not 0 <= row < self._starts[-1]:
            raise UserError(f"{self._path}: has no row {row:,} any more; run prepare_dataset again")
        group = next(g for g, start in enumerate(self._starts) if row < start) - 1
        # Going on is cheaper than to unpack the group again.
        if group == self._group and self._next <= row:
            return
        self._group, self._next = group, self._starts[group]
        self._batches = self._file.iter_batches(
            BATCH, row_groups=[group], columns=[self._column], use_threads=False
        )

    def _read_batch(self, row: int) -> None:
        import pyarrow as pa

        try:
            (column,) = next(self._batches).columns
        except (pa.ArrowException, OSError, StopIteration) as error:
            raise UserError(
                f"{self._path}: row {row:,} cannot be read ({reason_of(error)}); download or "
                "write the file again"
            ) from error
        values = column.field("bytes") if pa.types.is_struct(column.type) else column
        for value in values.to_pylist():
            content = value or b""
            self._held[self._next] = content
            self._bytes += len(content)
            self._next += 1
        while self._bytes > MOST_HELD and len(self._held) > BATCH:
            _, content = self._held.popitem(last=False)
            self._bytes -= len(content)


_opened: OrderedDict[Path, Rows] = OrderedDict()
_opening = threading.Lock()


def read_row(path: Path, row: int) -> bytes:
    """Return the encoded image in a row of a file; the file stays open for the next one."""
    with _opening:
        if path not in _opened:
            while len(_opened) > 1:
                _opened.popitem(last=False)
            _opened[path] = Rows(path)
        _opened.move_to_end(path)
        rows = _opened[path]
    return rows.read(row)
