"""Files in a plain tar archive by name, place and size; their bytes stay where they are.

Not through `tarfile.open`, which reads long names and other headers of any size into memory.
"""

import os
import tarfile
from collections.abc import Iterator
from typing import IO, NamedTuple

from ptq_comparison.common.texts import cut
from ptq_comparison.datasets.archive import BLOCK, FILES, WITHOUT_BYTES

MOST_NAME = 2**20  # bytes of a header of its own
LONG_NAME, PAX = b"L", b"x"  # headers in front of that of the member that they name


class Member(NamedTuple):
    """A file in an archive: its name, where its bytes start, and how many there are."""

    name: str
    offset: int
    size: int


def read_headers(stream: IO[bytes]) -> Iterator[Member]:
    """Yield the files of a plain archive; the stream may be moved between two of them.

    Raises ValueError or tarfile.TarError for links, devices, sizes beyond the end of the file, and
    what is no archive.
    """
    end, place, name = os.fstat(stream.fileno()).st_size, 0, None
    while place < end:
        stream.seek(place)
        block = stream.read(BLOCK)
        if not any(block):  # the end
            return
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        size = 0 if header.type in WITHOUT_BYTES else header.size
        start = place + BLOCK
        place = start - (-size // BLOCK) * BLOCK
        if size < 0 or start + size > end:
            raise ValueError(f"{cut(ascii(header.name))} goes beyond its end")
        if header.type in (LONG_NAME, PAX):
            if size > MOST_NAME:
                raise ValueError("it has a name that is too long")
            content = stream.read(size)
            name = _long_name(header.type, content) or name
            continue
        if header.type in FILES:
            yield Member(name or header.name, start, size)
        elif header.type not in (tarfile.DIRTYPE, tarfile.XGLTYPE):
            raise ValueError(f"its member {cut(ascii(header.name))} is a link, or no ordinary file")
        name = None


def _long_name(kind: bytes, content: bytes) -> str | None:
    if kind == LONG_NAME:
        return content.split(b"\0")[0].decode("utf-8", "surrogateescape")
    # Records of pax: `length key=value`, a line each.
    for line in content.split(b"\n"):
        _, _, record = line.partition(b" ")
        if record.startswith(b"path="):
            return record.removeprefix(b"path=").decode("utf-8", "surrogateescape")
    return None
