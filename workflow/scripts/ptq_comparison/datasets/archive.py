"""Files of a tar archive, read from the stream: nothing is unpacked to a disk.

Not through `tarfile.open`, which reads long names and other headers of any size into memory.
"""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import Any

BLOCK = tarfile.BLOCKSIZE
MOST_MEMBERS = 10_000
MOST_PADDING = 2**20  # bytes behind the last member, or of what is no file, as a long name
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
WITHOUT_BYTES = (  # after their header, whatever it says
    *(tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE),
    *(tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE),
)
COMPRESSIONS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}


def read_members(path: Path, wanted: Collection[str], most: int) -> dict[str, bytes]:
    """Return the contents of those members that have a `wanted` name, below any folder.

    The archive may be compressed with gzip, bzip2 or xz. Paths of more than 100 characters, which
    need headers of their own, are not looked at. Raises ValueError when it unpacks to more
    than `most` bytes, has a wanted name twice, or as something else than a file; and EOFError,
    OSError, tarfile.TarError, zlib.error or lzma.LZMAError when it is damaged.
    """
    members: dict[str, bytes] = {}
    with path.open("rb") as file:
        start = file.read(2)
    with COMPRESSIONS.get(start, open)(path, "rb") as file:
        for _ in range(MOST_MEMBERS):
            block = file.read(BLOCK)
            if len(block) == BLOCK and not any(block):
                file.read(MOST_PADDING)  # to the end of the stream, where the checksum is
                return members
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            size = 0 if header.type in WITHOUT_BYTES else header.size
            end = file.tell() + -(-size // BLOCK) * BLOCK
            if size < 0 or end > most or (size > MOST_PADDING and header.type not in FILES):
                raise ValueError(f"it unpacks to more than {most:,} bytes, or has false sizes")
            name = PurePosixPath(header.name).name
            if name in wanted:
                if name in members:
                    raise ValueError(f"it has two members {name}")
                if header.type not in FILES:
                    raise ValueError(f"its member {name} is no ordinary file")
                members[name] = file.read(size)
            file.seek(end)
    raise ValueError(f"it has more than {MOST_MEMBERS:,} members")
