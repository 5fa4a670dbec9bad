"""By which test images are known later, without being decoded once more."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

DIGEST_BYTES = 16  # of BLAKE2b: enough to tell images apart


class DigestedImages:
    """Images, uint8 (N, H, W, C), of which a digest of each is kept as it is read.

    `digests` is uint8 (N, DIGEST_BYTES): BLAKE2b of the pixels.
    """

    def __init__(self, images: Any) -> None:
        self.base, self.shape = images, images.shape
        self.digests = np.zeros((len(images), DIGEST_BYTES), np.uint8)

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, index: slice) -> np.ndarray:
        images: np.ndarray = self.base[index]
        self.digests[index] = digests_of(images)
        return images


def digests_of(images: Iterable[np.ndarray]) -> np.ndarray:
    """Return a digest of the pixels of each image (H, W, C): uint8 (N, DIGEST_BYTES)."""
    found = [
        hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=DIGEST_BYTES).digest()
        for image in images
    ]
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, DIGEST_BYTES)
