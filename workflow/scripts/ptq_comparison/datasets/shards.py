"""Files of a data set in several parts: `train-00000-of-00010.parquet`, `val/0001.tar`."""

import re
from pathlib import Path

from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import SPLITS
from ptq_comparison.datasets.listing import shown_names, split_names, wanted_names
from ptq_comparison.datasets.names import check_name, is_hidden
from ptq_comparison.datasets.options import Options


def find_shards(path: Path, suffix: str, options: Options) -> dict[str, list[Path]]:
    """Return the files of each split in the order of their names; with a hold-out, `all` of them.

    They lie in a folder, in one folder of it, or in a folder for each split, and their names begin
    with that of the split. With calibration images of its own, a data set needs `test` alone.
    Raises UserError.
    """
    files = _files(path, suffix)
    there = {file: _name(path, file) for file in files}
    if options.hold_out:
        splits = sorted({name for file in files for name in ("train", "test") if _is_of(there[file], name)})
        if len(splits) == 2:
            raise UserError(
                f"dataset.hold_out: {path} has files of two splits already; set it to null"
            )
        return {"all": files}
    names = split_names(options, lambda name: any(_is_of(text, name) for text in there.values()))
    needed = ("test",) if options.calibration else SPLITS
    for split in needed:
        if names[split] is None:
            raise UserError(
                f"{path}: no files {wanted_names(options, split)}*{suffix}; found: "
                f"{shown_names(there.values())}; set dataset.splits, or dataset.hold_out"
            )
    return {
        split: [file for file in files if _is_of(there[file], str(names[split]))]
        for split in needed
    }


def _files(path: Path, suffix: str) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(
        file
        for pattern in (f"*{suffix}", f"*/*{suffix}", f"*/*/*{suffix}")
        for file in path.glob(pattern)
        if not any(map(is_hidden, file.relative_to(path).parts))
    )
    if not files:
        raise UserError(f"{path}: has no files *{suffix}; correct dataset.path or dataset.name")
    for file in files:
        check_name(f"{path}: the file", file.name)
    return files


def _name(path: Path, file: Path) -> str:
    return str(file.relative_to(path)) if file != path else file.name


def _is_of(text: str, split: str) -> bool:
    """Tell whether a folder of a path is named as a split, or the file's name begins with it."""
    *folders, name = text.split("/")
    return split in folders or bool(re.match(rf"{re.escape(split)}(?![a-z])", name, re.IGNORECASE))
