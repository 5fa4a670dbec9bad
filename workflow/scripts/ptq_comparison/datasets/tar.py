"""Shards of plain tar archives, whose images are read in place: nothing is unpacked.

Two forms: `key.jpg` beside `key.cls` or `key.json`, as WebDataset has them, and `class/file.jpg`.
"""

import json
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

import numpy as np

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import check_is_file
from ptq_comparison.common.texts import cut, shown_names
from ptq_comparison.datasets.archive import COMPRESSIONS
from ptq_comparison.datasets.assembly import make_dataset
from ptq_comparison.datasets.dataset import Dataset
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.listing import (
    SPLIT_NAMES,
    SUFFIXES,
    Listing,
    label_listing,
    split_names,
    wanted_names,
)
from ptq_comparison.datasets.names import check_name, is_hidden
from ptq_comparison.datasets.options import Options
from ptq_comparison.datasets.shards import find_shards
from ptq_comparison.datasets.tar_headers import Member, read_headers

MOST_LABEL = 2**20  # bytes of a member with a label
LABELS = (".cls", ".json")
LABEL_KEYS = ("label", "cls", "class")  # in a .json


class Image(NamedTuple):
    """An image of a shard: where it is, its label as written, and the folder that is its split."""

    file: Path
    offset: int
    size: int
    label: str
    split: str | None


def read_tar(path: Path, options: Options) -> Dataset:
    """Read shards, or one archive with the folders of an image folder in it.

    Raises UserError for compressed archives, links, odd names, an image without a label, and what
    the assembly of a data set raises.
    """
    if path.is_file() and not options.hold_out:
        return make_dataset(_list_folders(path, options), options)
    shards = find_shards(path, ".tar", options)
    return make_dataset({split: _joined(files) for split, files in shards.items()}, options)


def _joined(files: Sequence[Path]) -> Listing:
    """List the images of several shards, of which one is taken apart at a time."""
    references, labels = [], []
    for file in files:
        images = list_shard(file)
        references.append(_references(images).rows)
        labels += [sys.intern(image.label) for image in images]
    return label_listing(References(np.concatenate(references)), labels)


def _references(images: Sequence[Image]) -> References:
    return References.of((image.file, image.offset, image.size) for image in images)


def _list_folders(file: Path, options: Options) -> dict[str, Listing]:
    """List an archive of `train/<class>/*` and `test/<class>/*`."""
    wanted = tuple((options.splits or {}).values()) or SPLIT_NAMES
    own = options.validation
    images = list_shard(file, (*wanted, own) if own else wanted)
    there = {image.split for image in images}
    names = split_names(options, there.__contains__)
    needed = ("test",) if options.calibration else ("train", "test")
    for split in needed:
        if names[split] is None:
            raise UserError(
                f"{file}: no folder {wanted_names(options, split)} with images; found: "
                f"{shown_names(sorted(filter(None, there)))}; name a folder of shards with "
                "dataset.path, or set dataset.splits or dataset.hold_out"
            )
    chosen = {split: names[split] for split in needed}
    if own in there:
        chosen["validation"] = own
    members = {
        split: [image for image in images if image.split == name] for split, name in chosen.items()
    }
    return {
        split: label_listing(_references(own), [image.label for image in own])
        for split, own in members.items()
    }


def list_shard(file: Path, splits: Sequence[str] = ()) -> list[Image]:
    """List the images of an archive in the order of their names. Raises UserError.

    `splits` are names of folders; the one that an image is in is its split.
    """
    images: dict[str, Member] = {}
    labels: dict[str, str] = {}
    try:
        with _open(file) as stream:
            for member in read_headers(stream):
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts:
                    raise ValueError(
                        f"its member {cut(ascii(member.name))} leads out of the archive"
                    )
                suffix = path.suffix.lower()
                if any(map(is_hidden, path.parts)) or suffix not in (*SUFFIXES, *LABELS):
                    continue
                check_name(f"{file}: the member", path.name)
                if suffix in SUFFIXES:
                    if member.name in images:
                        raise ValueError(f"it has two members {cut(ascii(member.name))}")
                    images[member.name] = member
                else:
                    labels[_key(path)] = _label(stream, member, suffix)
    except (ValueError, RecursionError, tarfile.TarError) as error:
        raise UserError(
            f"{file}: not a plain tar archive of images ({first_line(error)}); write it again"
        ) from error
    return [_image(file, member, labels, splits) for _, member in sorted(images.items())]


def _open(file: Path) -> IO[bytes]:
    check_is_file(file)
    stream = file.open("rb")
    if stream.read(2) in COMPRESSIONS:
        stream.close()
        raise UserError(
            f"{file}: is compressed, so that its images cannot be read in place; unpack it to a "
            "plain .tar (JPEG and PNG are compressed in themselves)"
        )
    stream.seek(0)
    return stream


def _key(path: PurePosixPath) -> str:
    """Return what the members of a sample share: all up to the first point of the file's name."""
    return str(path.parent / path.name.split(".")[0])


def _label(stream: IO[bytes], member: Member, suffix: str) -> str:
    if member.size > MOST_LABEL:
        raise ValueError(f"{cut(ascii(member.name))} has {member.size:,} bytes")
    stream.seek(member.offset)
    text = stream.read(member.size).decode()
    if suffix == ".json":
        content = json.loads(text)
        values = content if isinstance(content, dict) else {"label": content}
        text = str(next((values[key] for key in LABEL_KEYS if key in values), ""))
    return text.strip()


def _image(file: Path, member: Member, labels: dict[str, str], splits: Sequence[str]) -> Image:
    path = PurePosixPath(member.name)
    label = labels.get(_key(path)) if labels else path.parent.name
    if not label:
        raise UserError(
            f"{file}: {member.name} has no label; add a member .cls or .json with a label, or put "
            "the images of each class into a folder"
        )
    split = next((part for part in path.parts[:-1] if part in splits), None)
    if not labels and split:  # the class is the folder in the one of the split
        place = path.parts.index(split)
        label = path.parts[place + 1] if len(path.parts) > place + 2 else label
    return Image(file, member.offset, member.size, label, split)
