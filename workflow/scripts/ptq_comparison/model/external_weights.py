"""Files beside an ONNX file that hold its weights, as PyTorch's exporter leaves them."""

import mmap
import os
import re
from pathlib import Path

LARGEST_FILE = 2**31 - 1  # bytes of a message that protobuf reads
# The entry of an external tensor: the key `location`, then the length of its value, in one byte or
# two (onnx.proto, StringStringEntryProto).
LOCATION = re.compile(rb"\x0a\x08location\x12(?:([\x00-\x7f])|([\x80-\xff])([\x00-\x7f]))")


def external_files(path: Path) -> list[Path]:
    """Return the files that an ONNX file leaves weights to, sorted; none if it cannot be read.

    The bytes are searched, as Snakemake asks for the files: it has no onnx where the rules have
    environments of their own, and a file that is no sound model could fill its memory.
    """
    if not os.path.isfile(path) or not 0 < path.stat().st_size <= LARGEST_FILE:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        names = set()
        for found in LOCATION.finditer(content):
            low, high = (found[1] or found[2])[0], (found[3] or b"\0")[0]
            length = (low & 0x7F) + (high << 7)
            names.add(content[found.end() : found.end() + length])
    return [path.parent / os.fsdecode(name) for name in sorted(names)]
