"""Temporary folders that say whose they are, so that those of killed jobs can be removed."""

import os
import re
import shutil
import socket
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

NAME = re.compile(r"\.tmp-(?P<machine>[0-9a-f]{8})-(?P<process>[0-9]+)-")


def _machine() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def make_temporary(folder: Path) -> Path:
    """Make an empty folder of this process in `folder`, as an absolute path."""
    prefix = f".tmp-{_machine()}-{os.getpid()}-"
    return Path(tempfile.mkdtemp(prefix=prefix, dir=folder.absolute()))


def remove_stale(folders: Iterable[Path]) -> None:
    """Remove what is in `folders` of processes of this machine that are gone.

    What other machines have left stays: nothing tells here whether they still work.
    """
    for folder in folders:
        for entry in os.scandir(folder) if folder.is_dir() else ():
            match = NAME.match(entry.name)
            if match and match["machine"] == _machine() and not _lives(int(match["process"])):
                shutil.rmtree(entry.path, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        pass
    return True
