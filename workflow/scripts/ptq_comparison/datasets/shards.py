"""Files of a data set in several parts: `train-00000-of-00010.parquet`, `val/0001.tar`."""

import re
from collections.abc import Sequence
from pathlib import Path

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import named, shown_names
from ptq_comparison.datasets.dataset import SPLITS
from ptq_comparison.datasets.listing import split_names, wanted_names
from ptq_comparison.datasets.names import check_name, is_hidden
from ptq_comparison.datasets.options import Options


def find_shards(path: Path, suffix: str, options: Options) -> dict[str, list[Path]]:
    """Return the files of each split in the order of their names; with a hold-out, `all` of them.

    The name of a file begins with that of its split, or the file lies in a folder of that name.
    All are in one folder, which is `path` or below it. With calibration images of its own, a data
    set needs `test` alone. `validation` is there where `dataset.validation` is such a name. Raises
    UserError.
    """
    files = _files(path, suffix)
    texts = {file: file.name if file == path else str(file.relative_to(path)) for file in files}
    names = split_names(options, lambda name: any(_is_of(text, name) for text in texts.values()))
    if options.hold_out:
        if None not in names.values():
            raise UserError(f"dataset.hold_out: {path} has two splits already; set it to null")
        return {"all": files}
    needed = ("test",) if options.calibration else SPLITS
    for split in needed:
        if names[split] is None:
            raise UserError(
                f"{path}: no files {wanted_names(options, split)}*{suffix}; found: "
                f"{shown_names(texts.values())}; set dataset.splits, or dataset.hold_out"
            )
    shards = {
        split: [file for file in files if _is_of(texts[file], str(names[split]))]
        for split in needed
    }
    own = options.validation
    if own and (found := [file for file in files if _is_of(texts[file], own)]):
        shards["validation"] = found
    _check_one_folder(path, shards, {*map(str, names.values()), str(own)})
    return shards


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
        there = sorted(entry.name for entry in path.glob("*") if not is_hidden(entry.name))
        raise UserError(
            f"{path}: has no files *{suffix}; found: {shown_names(map(named, there))}; correct "
            "dataset.path or dataset.name, and unpack compressed archives"
        )
    for file in files:
        check_name(f"{path}: the file", file.name)
    return files


def _is_of(text: str, split: str) -> bool:
    """Tell whether a folder of a path is named as a split, or the file's name begins with it."""
    *folders, name = text.split("/")
    # Not `training` for `train`, but `train-00000`, `train_1` and `train1`.
    return split in folders or bool(re.match(rf"{re.escape(split)}(?![a-zA-Z])", name))


def _check_one_folder(path: Path, shards: dict[str, list[Path]], splits: set[str]) -> None:
    """Raise UserError where several data sets lie side by side, as configurations of one."""
    folders: Sequence[Path] = sorted(
        {
            file.parent.parent if file.parent.name in splits else file.parent
            for files in shards.values()
            for file in files
        }
    )
    if len(folders) > 1:
        raise UserError(
            f"{path}: has data sets in {shown_names(map(str, folders))}; set dataset.path to one"
        )
