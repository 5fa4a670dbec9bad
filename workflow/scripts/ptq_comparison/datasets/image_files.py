"""PNG and JPEG files as one array, which is decoded when it is sliced."""

import io
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import check_is_file
from ptq_comparison.datasets.dataset import check_image_shape

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
MOST_BYTES = 2**26  # of a file: above those of all pixels of the largest image
MOST_SCANS = 50  # over the same pixels in a JPEG file, which take time; cameras write up to 10


class ImageFiles:
    """Image files that look like an array, uint8 (N, H, W, C), and are decoded when sliced.

    The first file sets size and channels: 1 for a grey image, else 3 (RGB). Opacity is left out,
    and an image is turned as its EXIF orientation says. Behind the last file, the log says how many
    images were changed in which way.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._changes: Counter[str] = Counter()
        self._mode, self.shape = "RGB", (0, 0, 0, 3)
        if files:
            with _open(files[0]) as image:
                check_image_shape(str(files[0]), (image.height, image.width, 3))
                self._mode = "L" if image.mode in GREY_MODES else "RGB"
                self.shape = (len(files), *_turned(image, self._mode).shape)

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: slice) -> np.ndarray:
        files = self._files[index]
        pixels = np.stack([self._decode(file) for file in files])
        if files[-1] is self._files[-1]:
            for change, count in sorted(self._changes.items()):
                logging.info("%d images %s", count, change)
            self._changes.clear()
        return pixels

    def _decode(self, file: Path) -> np.ndarray:
        with _open(file) as image:
            if self._mode == "L" and image.mode not in GREY_MODES:
                raise UserError(f"{file}: a colour image among grey ones; convert all to one kind")
            # Before a pixel is decoded: a few bytes can claim any size.
            self._check_shape(file, (image.height, image.width), (image.width, image.height))
            pixels = _turned(image, self._mode)
            self._check_shape(file, pixels.shape[:2])
            self._count_changes(image)
        return pixels

    def _check_shape(self, file: Path, *allowed: tuple[int, ...]) -> None:
        height, width, channels = self.shape[1:]
        if (height, width) not in allowed:
            raise UserError(
                f"{file}: height, width, channels are {(*allowed[0], channels)}, those of the "
                f"first image {self.shape[1:]}; resize all images to one size"
            )

    def _count_changes(self, image: Image.Image) -> None:
        change = (GREY_MODES | COLOR_MODES)[image.mode]
        if change:
            self._changes[f"of mode {image.mode}: {change}"] += 1
        if self._mode == "RGB" and image.mode in GREY_MODES:
            self._changes["that are grey: three equal channels"] += 1
        if image.getexif().get(ExifTags.Base.Orientation) in range(2, 9):
            self._changes["turned as their EXIF orientation says"] += 1


def _turned(image: Image.Image, mode: str) -> np.ndarray:
    """Decode an image, uint8 (H, W, C), upright."""
    pixels = np.asarray(ImageOps.exif_transpose(image).convert(mode))
    return pixels.reshape(*pixels.shape[:2], -1)


@contextmanager
def _open(file: Path) -> Iterator[Image.Image]:
    """Open an image; turn whatever is raised for a damaged one into one line."""
    check_is_file(file)
    if file.stat().st_size > MOST_BYTES:
        raise UserError(f"{file}: above {MOST_BYTES:,} bytes; write the image without metadata")
    content, step = file.read_bytes(), "read"
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_kind(file, image, content)
            step = "decoded"
            yield image
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(f"{file}: not a PNG or JPEG image; remove or replace it") from error
    except Exception as error:  # Pillow lets out nearly anything
        raise UserError(
            f"{file}: cannot be {step} ({first_line(error)}); remove or replace it"
        ) from error


def _check_kind(file: Path, image: Image.Image, content: bytes) -> None:
    # How pixels lie in the file: Pillow cuts 16 bits of a colour to 8, and calls it RGB.
    layouts = [str(tile[3]) for tile in getattr(image, "tile", ())]
    wide = [layout for layout in layouts if "16" in layout]
    if image.mode not in GREY_MODES | COLOR_MODES or wide:
        raise UserError(
            f"{file}: has pixels of Pillow's mode {' '.join([image.mode, *wide])}; allowed are "
            "8-bit grey and colour: convert all images"
        )
    # A camera's JPEG may hold a preview as a second image.
    if image.format == "PNG" and getattr(image, "n_frames", 1) > 1:
        raise UserError(f"{file}: an animation; write the image that is meant as a file of its own")
    if image.format != "PNG" and content.count(b"\xff\xda") > MOST_SCANS:
        raise UserError(f"{file}: has more than {MOST_SCANS} scans; write the image again")
