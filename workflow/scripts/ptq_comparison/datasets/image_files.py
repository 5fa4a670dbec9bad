"""PNG and JPEG images as one array, which is decoded when it is indexed."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import check_image_shape
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.geometry import Geometry, Size, orientation
from ptq_comparison.datasets.opened_image import GREY_MODES, changes_of, open_image

MODES = {"grey": "L", "RGB": "RGB"}  # Pillow's names
MOST_BYTES = 2**26  # of a file: above those of a photo of 89 megapixels
LARGE = 12_000_000  # pixels; of larger images one at a time is in memory, whatever the threads
AT_ONCE = 1000  # images whose bytes are looked at without being decoded
PIECES = 4  # that each thread gets of what is asked for: images differ in time


class ImageFiles:
    """Encoded images that look like an array, uint8 (N, H, W, C), and are decoded when indexed.

    An index is a slice, integers (N,), or one integer. `geometry` has the keys of `Geometry`;
    where it says none, the first image sets size and channels: 1 for a grey image, else 3 (RGB).
    Opacity is left out, and an image is turned as its EXIF orientation says. A pool of `threads`
    threads decodes; any number of them gives the same. With `image_shape`, height, width and
    channels, nothing is opened yet. Behind the last image, the log says how many were changed in
    which way. Raises UserError for what is no such image, and for another size.
    """

    def __init__(
        self,
        references: References,
        geometry: Mapping[str, Any] | None = None,
        threads: int = 1,
        image_shape: Sequence[int] | None = None,
    ) -> None:
        self.references, self.threads = references, threads
        self._geometry = Geometry.of(geometry)
        self._changes: Counter[str] = Counter()
        self._large = Lock()
        if image_shape is None:
            image_shape = self._look_at_first() if len(references) else (0, 0, 3)
        self.shape = (len(references), *image_shape)

    def _look_at_first(self) -> tuple[int, int, int]:
        with self._open(0) as (image, _):
            if self._geometry.channels is None:
                channels = "grey" if image.mode in GREY_MODES else "RGB"
                self._geometry = self._geometry._replace(channels=channels, found=True)
            depth = 1 if self._mode == "L" else 3
            for size in self._sizes(image):  # before a pixel is decoded
                check_image_shape(self.references.name(0), (*size, depth))
            image.load()  # what says the orientation of a PNG may stand behind its pixels
            return (*self._sizes(image)[orientation(image) >= 5], depth)

    @property
    def geometry(self) -> dict[str, Any]:
        """What was given, with the channels that were found, for other images of the data set."""
        return self._geometry._asdict()

    @property
    def _mode(self) -> str:
        return MODES[self._geometry.channels or "RGB"]

    def __len__(self) -> int:
        return len(self.references)

    def __getitem__(self, index: slice | np.ndarray | int) -> np.ndarray:
        if isinstance(index, int | np.integer):
            one: np.ndarray = self[np.array([index])][0]
            return one
        chosen = np.arange(len(self))[index].tolist()
        pixels = np.empty((len(chosen), *self.shape[1:]), np.uint8)

        def decode(start: int, stop: int) -> Counter[str]:
            changes: Counter[str] = Counter()
            for place in range(start, stop):
                pixels[place] = self._decode(chosen[place], changes)
            return changes

        for changes in self._in_pieces(decode, 0, len(chosen)):
            self._changes += changes
        if chosen and chosen[-1] == len(self) - 1:
            for text, count in sorted(self._changes.items()):
                logging.info("%d images %s", count, text)
            self._changes.clear()
        return pixels

    def digests(self) -> Iterator[bytes]:
        """Yield the SHA-256 of each encoded image, after a look at its header."""

        def digest(start: int, stop: int) -> list[bytes]:
            return [self._digest(index) for index in range(start, stop)]

        for start in range(0, len(self), AT_ONCE):
            for piece in self._in_pieces(digest, start, min(start + AT_ONCE, len(self))):
                yield from piece

    def _in_pieces(self, work: Callable[[int, int], Any], start: int, stop: int) -> Sequence[Any]:
        """Do `work` for all numbers from `start` to `stop`, and return its results in order.

        Of several errors, the first one in order is raised.
        """
        if self.threads == 1:
            return [work(start, stop)]
        step = max(1, -(-(stop - start) // (PIECES * self.threads)))
        starts = range(start, stop, step)
        return list(self._pool.map(work, starts, (min(at + step, stop) for at in starts)))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads)

    def _digest(self, index: int) -> bytes:
        with self._open(index) as (image, content):
            self._check_fits(index, image)
            return hashlib.sha256(content).digest()

    def _decode(self, index: int, changes: Counter[str]) -> np.ndarray:
        """Return the pixels of an image, uint8 (H, W, C); count what was done to them."""
        with self._open(index) as (image, _):
            self._check_fits(index, image)
            large = image.height * image.width > LARGE
            with self._large if large else nullcontext():
                pixels = self._geometry.pixels(image, self._mode)
            self._check_size(index, pixels.shape[:2])  # only now, a PNG's orientation is known
            changes.update(changes_of(image, self._mode))
        return pixels

    def _check_fits(self, index: int, image: Image.Image) -> None:
        """Raise UserError, before a pixel is decoded, for what is not as the first image is."""
        if self._mode == "L" and self._geometry.found and image.mode not in GREY_MODES:
            raise UserError(
                f"{self.references.name(index)}: a colour image among grey ones; set "
                "dataset.channels to RGB or grey"
            )
        self._check_size(index, *self._sizes(image))

    def _check_size(self, index: int, *sizes: Size) -> None:
        if self.shape[1:3] not in sizes:
            resizes = self._geometry.resize is not None
            remedy = "dataset.crop, too" if resizes else "dataset.resize or model.preset"
            raise UserError(
                f"{self.references.name(index)}: height, width, channels are "
                f"{(*sizes[0], self.shape[3])}, those of the first image {self.shape[1:]}; set "
                f"{remedy}, so that all have one size"
            )

    def _sizes(self, image: Image.Image) -> tuple[Size, Size]:
        """Return what sizes the image may get: as it lies in the file, and turned by 90 degrees."""
        stored, turned = (image.height, image.width), (image.width, image.height)
        return self._geometry.size(stored), self._geometry.size(turned)

    @contextmanager
    def _open(self, index: int) -> Iterator[tuple[Image.Image, bytes]]:
        """Open an image; yield it and the bytes it was encoded as."""
        name = self.references.name(index)
        if self.references.size(index) > MOST_BYTES:
            raise UserError(
                f"{name}: above {MOST_BYTES:,} bytes; write the image smaller, or without metadata"
            )
        content = self.references.read(index)
        with open_image(name, content, self._geometry) as image:
            yield image, content
