"""Images of a split as rule prepare_dataset stores them: their pixels, or where their files are."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from ptq_comparison.common.files import atomic_path, read_json
from ptq_comparison.datasets.dataset import Split, write_split
from ptq_comparison.datasets.npy import write_npy

# Bytes of pixels up to which `auto` stores them. Of the training split only samples are used, and
# these once; the test split is read for each model.
MOST_DECODED = {"train": 256_000_000, "test": 2_000_000_000, "validation": 2_000_000_000}


def store_split(
    split: Split, name: str, store: str, threads: int, images_path: Path, labels_path: Path
) -> dict[str, Any]:
    """Store the split `name` as two `.npy` files; return `images`, `sha256` and how it is `stored`.

    `store` is `auto`, `decoded` or `files`; arrays are always stored as pixels. Encoded images are
    decoded, or looked at, by `threads` threads. Raises UserError for what is no image; in a
    training split that is stored by its files, only where an image is used.
    """
    encoded = hasattr(split.images, "references")
    if encoded:
        split.images.threads = threads
    pixels = math.prod((len(split.labels), *split.images.shape[1:]))
    decoded = store == "decoded" or (store == "auto" and pixels <= MOST_DECODED[name])
    if decoded or not encoded:
        return {**write_split(split, images_path, labels_path), "stored": "decoded"}
    references, labels = split.images.references, split.labels.astype(np.int64)
    digest = hashlib.sha256(json.dumps(split.images.geometry).encode())
    if name == "train":
        digest.update(references.rows.tobytes())  # names and sizes
    else:
        for content in split.images.digests():
            digest.update(content)
    digest.update(labels.data)
    for path, array in ((images_path, references.rows), (labels_path, labels)):
        with atomic_path(path) as temporary:
            write_npy(temporary, array.dtype, array.shape, [array])
    return {"images": len(labels), "sha256": digest.hexdigest(), "stored": "files"}


def open_images(path: Path, threads: int = 1, part: slice = slice(None)) -> Any:
    """Open stored images, uint8 (N, H, W, C), or a `part` of them; nothing is read yet.

    Returns a memory map, or `ImageFiles`, which decodes with `threads` threads what it is asked
    for: give `part` here for less memory than a slice of the result needs.
    """
    images = np.load(path, mmap_mode="r")[part]
    if images.dtype.fields is None:
        return images
    # Here, since Pillow takes time to import, and most splits are stored decoded.
    from ptq_comparison.datasets.encoded import References
    from ptq_comparison.datasets.image_files import ImageFiles

    description = read_json(path.with_name("dataset.json"))
    return ImageFiles(
        References(images), description["geometry"], threads, description["image_shape"]
    )
