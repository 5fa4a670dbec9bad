"""Files that are either whole or absent, and their checksums."""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.temporary import make_temporary


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` when the block succeeds.

    A killed Snakemake leaves its jobs running. One that still writes must not
    damage what the next run has made in the meantime, hence a separate folder
    beside the target and one rename at the end.
    """
    folder = make_temporary(path.parent)
    try:
        yield folder / path.name
        os.replace(folder / path.name, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(path: Path, content: str) -> None:
    """Write a text file whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(content)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON with a closing newline. NaN is refused (ValueError)."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text())


def check_is_file(path: Path) -> int:
    """Return the size of an ordinary file, or of one behind a link; nothing is opened.

    Raises UserError for anything else.

    Whoever opens a FIFO waits until somebody writes to it, and a device may have no end.
    """
    try:
        status = path.stat()
    except OSError as error:  # a broken link, or a loop of links
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); remove or replace it"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "directory" if stat.S_ISDIR(status.st_mode) else "FIFO, socket or device"
        raise UserError(
            f"{path}: cannot be read (it is a {kind}); put a file in its place or remove it"
        )
    return status.st_size


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str, key: str) -> None:
    """Raise UserError, naming the config `key`, unless the file has the expected SHA-256."""
    check_is_file(path)
    found = sha256_file(path)
    if found != expected:
        raise UserError(
            f"{key}: {path} has {found} instead of {expected}; "
            "replace the file, or correct the checksum (null switches the check off)"
        )
