"""Small image files, alone or in archives, whose pixels tell which is which."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image


def picture(value: int, form: str = "PNG") -> bytes:
    """Return an encoded image of 4 x 4 pixels that all have the value."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (value, value, value)).save(buffer, form)
    return buffer.getvalue()


def write_pictures(folder: Path, *names: str) -> Path:
    """Write a PNG for each name; their values count from 0."""
    for value, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(value))
    return folder


def write_tar(
    path: Path, members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT, mode: str = "w"
) -> Path:
    """Write a tar archive of the members."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode, format=form) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1.5  # pax writes a record for the fraction
            archive.addfile(info, io.BytesIO(content))
    return path


def values(images) -> list[int]:
    """Return the value of each image, as it was given to `picture`."""
    return [int(image[0, 0, 0]) for image in images[0 : len(images)]]
