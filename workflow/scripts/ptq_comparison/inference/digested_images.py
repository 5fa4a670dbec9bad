"""By which test images are known later, without being decoded once more."""

from typing import Any

import numpy as np

from ptq_comparison.common.digests import DIGEST_BYTES, digests_of


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
