"""Labels in a file: CSV with columns `path,label[,split]`, or lines `name label` as ImageNet's."""

import csv
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import check_is_file
from ptq_comparison.common.texts import cut, shown_names
from ptq_comparison.datasets.dataset import SPLITS
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.listing import (
    Listing,
    class_folders,
    label_listing,
    list_class_folders,
    split_names,
    wanted_names,
)
from ptq_comparison.datasets.names import check_name
from ptq_comparison.datasets.options import Options

MOST_BYTES = 2**31  # of a list; ImageNet-21k's 14 million lines have 0.5 GB
TABLES = (".csv", ".tsv")
DELIMITERS = ",;\t"


class Row(NamedTuple):
    """An image as a list names it; `split` is None in a list without that column."""

    path: str
    label: str
    split: str | None


def list_labelled(path: Path, options: Options) -> dict[str, Listing]:
    """List the images that `dataset.labels` names: `train` and `test`, or `all` for one list.

    A list without splits labels the test images where the training images are in class folders, or
    have no labels. Raises UserError.
    """
    files = options.label_files()
    if "all" not in files:
        lists = {split: read_rows(file) for split, file in files.items()}
        return _list_splits(path, files, lists, options)
    file = files["all"]
    rows = read_rows(file)
    if options.hold_out:
        return {"all": _listing(rows, file, [path, file.parent])}
    if rows[0].split is not None:
        lists = _by_split(rows, file, options)
        return _list_splits(path, dict.fromkeys(lists, file), lists, options)
    if options.calibration:
        return _list_splits(path, {"test": file}, {"test": rows}, options)
    train = split_names(options, lambda name: bool(class_folders(path / name)))["train"]
    if train:
        test = _list_splits(path, {"test": file}, {"test": rows}, options)
        return {"train": list_class_folders(path / train), **test}
    raise UserError(
        f"dataset.labels: {file}: does not say which images are for the test; add a column split "
        "to a CSV, or set dataset.hold_out, dataset.calibration, or dataset.labels: {train: ..., "
        "test: ...}"
    )


def _list_splits(
    path: Path, files: dict[str, Path], lists: dict[str, list[Row]], options: Options
) -> dict[str, Listing]:
    """List the images of each split, which lie in its folder, in `path`, or beside the list."""
    folders = split_names(options, lambda name: (path / name).is_dir())
    own = options.validation
    folders["validation"] = own if own and (path / own).is_dir() else None
    listings = {}
    for split, rows in lists.items():
        inner = [path / name for name in (folders[split],) if name]
        inner += [Path(own)] if own and split == "validation" else []
        listings[split] = _listing(rows, files[split], [path, *inner, files[split].parent])
    return listings


def _by_split(rows: Sequence[Row], file: Path, options: Options) -> dict[str, list[Row]]:
    there = Counter(row.split for row in rows)
    names = split_names(options, there.__contains__)
    needed = ("test",) if options.calibration else SPLITS
    for split in needed:
        if names[split] is None:
            raise UserError(
                f"dataset.labels: {file}: no image of the split {wanted_names(options, split)}; "
                f"column split has {shown_names(map(repr, there))}; set dataset.splits"
            )
    chosen = {split: names[split] for split in needed}
    if options.validation in there:
        chosen["validation"] = options.validation
    for name, count in there.items():
        if name not in chosen.values():
            logging.info("%s: %d images of the split %r left out", file, count, name)
    return {split: [row for row in rows if row.split == name] for split, name in chosen.items()}


def _listing(rows: Sequence[Row], file: Path, folders: Sequence[Path]) -> Listing:
    """Find the files of a list in the first of the folders that has one, or in its `images`."""
    where = f"dataset.labels: {file}"
    folders = [*folders, *(folder / "images" for folder in folders)]
    folder = next(
        (folder for row in rows for folder in folders if os.path.isfile(folder / row.path)),
        folders[0],
    )
    paths = [os.path.normpath(os.path.join(folder, row.path)) for row in rows]
    if missing := [path for path in paths if not os.path.lexists(path)]:
        raise UserError(
            f"{where}: {len(missing)} of {len(paths)} files are missing, such as "
            f"{shown_names(missing, 3)}; paths count from dataset.path, the folder of the split, "
            "or that of the list"
        )
    repeated, count = Counter(paths).most_common(1)[0]
    if count > 1:
        raise UserError(f"{where}: names {repeated} {count} times; leave one line an image")
    return label_listing(References.of_files(paths), [r.label for r in rows])


def read_rows(file: Path) -> list[Row]:
    """Read a list of labels. Raises UserError for another form, and for an empty one."""
    where = f"dataset.labels: {file}"
    check_is_file(file)
    if file.stat().st_size > MOST_BYTES:
        raise UserError(f"{where}: above {MOST_BYTES:,} bytes; name a list of images")
    parse = _read_table if file.suffix.lower() in TABLES else _read_lines
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(parse(where, stream))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{where}: cannot be read ({first_line(error)}); save it as UTF-8"
        ) from error
    if not rows:
        raise UserError(f"{where}: names no image; write a line for each")
    for row in rows:
        check_name(f"{where}: the file", os.path.basename(row.path))
    return rows


def _read_table(where: str, stream: IO[str]) -> Iterator[Row]:
    head = stream.readline(10_000)
    delimiter = max(DELIMITERS, key=head.count)
    columns = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), [])]
    if not {"path", "label"} <= set(columns):
        raise UserError(
            f"{where}: its first line has {shown_names(map(cut, columns))}; columns path and "
            "label are needed, and split, if the list holds both splits"
        )
    image, label = columns.index("path"), columns.index("label")
    split = columns.index("split") if "split" in columns else None
    for cells in csv.reader(stream, delimiter=delimiter, strict=True):
        if not any(cells):
            continue
        if len(cells) != len(columns):
            raise UserError(
                f"{where}: {cut(delimiter.join(cells))!r} has {len(cells)} values for "
                f"{len(columns)} columns; put a value with {delimiter!r} in double quotes"
            )
        own_split = None if split is None else cells[split].strip()
        yield Row(cells[image].strip(), cells[label].strip(), own_split)


def _read_lines(where: str, stream: Iterable[str]) -> Iterator[Row]:
    for line in map(str.strip, stream):
        if line:
            # A table of TinyImageNet's goes on with the place of the object.
            parts = line.split("\t")[:2] if "\t" in line else line.rsplit(None, 1)
            if len(parts) != 2:
                raise UserError(
                    f"{where}: {cut(line)!r} is no line `name label`; write the name of the file, "
                    "a space, and the number or name of its class"
                )
            yield Row(parts[0].strip(), parts[1].strip(), None)
