"""Small image files, alone or in archives, whose pixels tell which is which."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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


def write_parquet(
    path: Path,
    contents: Sequence[bytes],
    labels: Sequence[Any],
    class_names: Sequence[Any] | None = None,
    image: str = "image",
    label: str = "label",
    group: int = 2,
) -> Path:
    """Write encoded images and labels as Hugging Face does, with groups of so many rows.

    With `class_names`, they stand in the metadata.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    column = pa.array([{"bytes": content, "path": "x.png"} for content in contents], kind)
    table = pa.table({image: column, label: pa.array(labels)})
    if class_names is not None:
        described = {
            image: {"_type": "Image"},
            label: {"names": list(class_names), "_type": "ClassLabel"},
        }
        text = json.dumps({"info": {"features": described}})
        table = table.replace_schema_metadata({"huggingface": text})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=group)
    return path
