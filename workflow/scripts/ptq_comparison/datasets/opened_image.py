"""One encoded image: a PNG or JPEG of a kind that this workflow reads, and nothing else."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.datasets.geometry import Geometry, orientation

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
MOST_SCANS = 50  # over the same pixels in a JPEG file, which take time; cameras write up to 10
MOST_PIXELS = 89_478_485  # in the file, and behind resizing; above, Pillow warns of a bomb


@contextmanager
def open_image(name: str, content: bytes, geometry: Geometry) -> Iterator[Image.Image]:
    """Open an encoded image, of which nothing is decoded yet; `name` is for messages.

    Raises UserError, in one line, for whatever is raised for a damaged one, also in the block, for
    other kinds of images, and for one that needs too much memory, as it is or when it is resized.
    """
    step = "read"
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_kind(name, image, content)
            _check_pixels(name, image, geometry)
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


def changes_of(image: Image.Image, mode: str) -> Iterator[str]:
    """Yield what becomes of an image in Pillow's mode L or RGB, in the words of the log."""
    change = (GREY_MODES | COLOR_MODES)[image.mode]
    if change:
        yield f"of mode {image.mode}: {change}"
    if mode == "RGB" and image.mode in GREY_MODES:
        yield "that are grey: three equal channels"
    if mode == "L" and image.mode not in GREY_MODES:
        yield "in colour: made grey"
    if orientation(image) != 1:
        yield "turned as their EXIF orientation says"


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


def _check_pixels(name: str, image: Image.Image, geometry: Geometry) -> None:
    size = image.height, image.width
    sizes = [size]
    if geometry.resize is not None and min(size) > 0:
        sizes.append(geometry.resized(size))  # as many pixels as when it is turned
    for height, width in sizes:
        if not 0 < height * width <= MOST_PIXELS:
            raise UserError(
                f"{name}: has {size[0]} x {size[1]} pixels, and is to have {height} x {width}; 1 "
                f"to {MOST_PIXELS:,} in all are possible: remove the image, or write it smaller"
            )
