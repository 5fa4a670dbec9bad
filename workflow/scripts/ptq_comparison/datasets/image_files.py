"""PNG and JPEG images as one array, which is decoded when it is sliced."""

import io
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.datasets.dataset import check_image_shape
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.geometry import Geometry, Size, orientation

# Pillow knows others, of which some start a program; it looks at contents, not at names.
FORMATS = ("PNG", "JPEG")
# Pillow's names of what a pixel holds, and what becomes of it.
GREY_MODES = {"1": "black and white become 0 and 255", "L": "", "LA": "opacity left out"}
COLOR_MODES = {
    "P": "colours taken from the palette, opacity left out",
    "RGB": "",
    "RGBA": "opacity left out",
    "CMYK": "converted to RGB without a colour profile",
}
MODES = {"grey": "L", "RGB": "RGB"}
MOST_BYTES = 2**26  # of a file: above those of all pixels of the largest image
MOST_SCANS = 50  # over the same pixels in a JPEG file, which take time; cameras write up to 10
MOST_PIXELS = 89_478_485  # before and behind resizing; above, Pillow warns of a bomb
LARGE = 12_000_000  # pixels; of larger images one at a time is in memory, whatever the threads
PIECES = 4  # that each thread gets of a slice: images differ in time
WITHOUT_RESIZE = "set dataset.resize or model.preset, which give all images one size"


class ImageFiles:
    """Encoded images that look like an array, uint8 (N, H, W, C), and are decoded when indexed.

    An index is a slice, integers (N,), or one integer. `geometry` has the keys of `Geometry`;
    where it says none, the first image sets size and channels: 1 for a grey image, else 3 (RGB).
    Opacity is left out, and an image is turned as its EXIF orientation says. A pool of `threads`
    threads decodes; any number of them gives the same. Behind the last image, the log says how many
    were changed in which way. Raises UserError for what is no such image.
    """

    def __init__(
        self,
        references: References,
        geometry: Mapping[str, Any] | None = None,
        threads: int = 1,
    ) -> None:
        self.references, self.threads = references, threads
        self._geometry = Geometry.of(geometry)
        self._changes: Counter[str] = Counter()
        self._large = Lock()
        self.shape = (0, 0, 0, 3)
        if len(references):
            with self._open(0) as image:
                if self._geometry.channels is None:
                    channels = "grey" if image.mode in GREY_MODES else "RGB"
                    self._geometry = self._geometry._replace(channels=channels, found=True)
                depth = 1 if self._mode == "L" else 3
                for size in self._sizes(image):
                    check_image_shape(references.name(0), (*size, depth))
                height, width = self._sizes(image)[orientation(image) >= 5]
            self.shape = (len(references), height, width, depth)

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
            (pixels,) = self[np.array([index])]
            return pixels
        chosen = np.arange(len(self))[index]
        pixels = np.empty((len(chosen), *self.shape[1:]), np.uint8)

        def decode(start: int, stop: int) -> Counter[str]:
            changes: Counter[str] = Counter()
            for place in range(start, stop):
                with self._open(int(chosen[place])) as image:
                    pixels[place] = self._decode(int(chosen[place]), image, changes)
            return changes

        for changes in self._in_pieces(decode, len(chosen)):
            self._changes += changes
        if len(chosen) and chosen[-1] == len(self) - 1:
            for text, count in sorted(self._changes.items()):
                logging.info("%d images %s", count, text)
            self._changes.clear()
        return pixels

    def _in_pieces(self, work: Callable[[int, int], Any], count: int) -> list[Any]:
        """Do `work(start, stop)` for all of `count`, and return its results in order.

        Of several errors, the first in order is raised.
        """
        if self.threads == 1:
            return [work(0, count)]
        step = -(-count // (PIECES * self.threads)) or 1
        starts = range(0, count, step)
        return list(self._pool.map(work, starts, (min(start + step, count) for start in starts)))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads)

    def _decode(self, index: int, image: Image.Image, changes: Counter[str]) -> np.ndarray:
        """Return an opened image as its geometry says; count what was done to it."""
        self._check_fits(index, image)
        large = image.height * image.width > LARGE
        with self._large if large else nullcontext():
            pixels = self._geometry.pixels(image, self._mode)
        self._check_size(index, pixels.shape[:2])  # only now, the orientation of a PNG is known
        for text in self._changes_of(image):
            changes[text] += 1
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
            remedy = WITHOUT_RESIZE if self._geometry.resize is None else "set dataset.crop, too"
            raise UserError(
                f"{self.references.name(index)}: height, width, channels are "
                f"{(*sizes[0], self.shape[3])}, those of the first image {self.shape[1:]}; {remedy}"
            )

    def _sizes(self, image: Image.Image) -> tuple[Size, Size]:
        """Return what sizes the image may get: as it lies in the file, and turned by 90 degrees."""
        stored, turned = (image.height, image.width), (image.width, image.height)
        return self._geometry.size(stored), self._geometry.size(turned)

    def _changes_of(self, image: Image.Image) -> Iterator[str]:
        """Yield what becomes of an image, in the words of the log."""
        change = (GREY_MODES | COLOR_MODES)[image.mode]
        if change:
            yield f"of mode {image.mode}: {change}"
        if self._mode == "RGB" and image.mode in GREY_MODES:
            yield "that are grey: three equal channels"
        if self._mode == "L" and image.mode not in GREY_MODES:
            yield "in colour: made grey"
        if orientation(image) != 1:
            yield "turned as their EXIF orientation says"

    @contextmanager
    def _open(self, index: int) -> Iterator[Image.Image]:
        """Open an image; turn whatever is raised for a damaged one into one line."""
        name = self.references.name(index)
        if self.references.size(index) > MOST_BYTES:
            raise UserError(
                f"{name}: above {MOST_BYTES:,} bytes; write the image smaller, or without metadata"
            )
        content, step = self.references.read(index), "read"
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                _check_kind(name, image, content)
                _check_pixels(name, image, self._geometry)
                step = "decoded"
                yield image
        except UserError:
            raise
        except UnidentifiedImageError as error:
            raise UserError(f"{name}: not a PNG or JPEG image; remove or replace it") from error
        except Exception as error:  # Pillow lets out nearly anything
            raise UserError(
                f"{name}: cannot be {step} ({first_line(error)}); remove or replace it"
            ) from error


def _check_pixels(name: str, image: Image.Image, geometry: Geometry) -> None:
    """Raise UserError for a size that needs too much memory, in the file or when it is resized."""
    size = image.height, image.width
    sizes = (size, *map(geometry.resized, (size, size[::-1]))) if min(size) > 0 else (size,)
    if not all(0 < math.prod(size) <= MOST_PIXELS for size in sizes):
        raise UserError(
            f"{name}: height, width of the image are {size}, in between {sizes[-1]}; 1 to "
            f"{MOST_PIXELS:,} pixels are possible: remove the image, or write it smaller"
        )


def _check_kind(name: str, image: Image.Image, content: bytes) -> None:
    # How pixels lie in the file: Pillow cuts 16 bits of a colour to 8, and calls it RGB.
    layouts = [str(tile[3]) for tile in getattr(image, "tile", ())]
    wide = [layout for layout in layouts if "16" in layout]
    if image.mode not in GREY_MODES | COLOR_MODES or wide:
        raise UserError(
            f"{name}: has pixels of Pillow's mode {' '.join([image.mode, *wide])}; allowed are "
            "8-bit grey and colour: convert all images"
        )
    # A camera's JPEG may hold a preview as a second image.
    if image.format == "PNG" and getattr(image, "n_frames", 1) > 1:
        raise UserError(f"{name}: an animation; write the image that is meant as a file of its own")
    if image.format != "PNG" and content.count(b"\xff\xda") > MOST_SCANS:
        raise UserError(f"{name}: has more than {MOST_SCANS} scans; write the image again")
