"""From an opened image to pixels of one size: turned, resized, cut out, as the geometry says."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
# Where Pillow looks for the orientation, which takes time.
WITH_ORIENTATION = {"exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"}
Size = tuple[int, int]  # height, width


class Geometry(NamedTuple):
    """What is done to an image, in this order.

    `resize`: to a shorter side, as torchvision's Resize does it, or to [height, width], and with
    `pad` into it, the rest filled with this value, as Pillow's `ImageOps.pad` does it. `crop`: the
    centre, [height, width] or a side; a smaller image is filled up with 0. Half a pixel is
    rounded as in torchvision's CenterCrop (`centre: round`), or down, as transformers does it
    (`floor`). `channels`: RGB or grey, or None: as the first image has
    them, which are then `found`.
    """

    resize: int | Sequence[int] | None = None
    crop: int | Sequence[int] | None = None
    pad: int | None = None
    interpolation: str = "bilinear"
    channels: str | None = None
    centre: str = "round"
    found: bool = False

    @classmethod
    def of(cls, geometry: Mapping[str, Any] | None) -> "Geometry":
        """Make it from the keys of the same names; further ones do not count."""
        given = geometry or {}
        return cls(**{name: given[name] for name in cls._fields if name in given})

    def resized(self, size: Size) -> Size:
        """Return the size of an upright image behind `resize`."""
        if self.resize is None:
            return size
        if not isinstance(self.resize, int):
            return pair(self.resize)
        short, long = min(size), max(size)
        longer = int(self.resize * long / short)
        return (longer, self.resize) if size[1] <= size[0] else (self.resize, longer)

    def size(self, size: Size) -> Size:
        """Return the size of what becomes of an upright image."""
        return self.resized(size) if self.crop is None else pair(self.crop)

    def pixels(self, image: Image.Image, mode: str) -> np.ndarray:
        """Decode an image, and return it upright, uint8 (H, W, C), in Pillow's mode L or RGB."""
        image.load()  # what says the orientation of a PNG may stand behind its pixels
        if orientation(image) != 1:
            image = ImageOps.exif_transpose(image)
        if image.mode != mode:
            image = image.convert(mode)
        if self.resize is not None:
            height, width = self.resized((image.height, image.width))
            method = RESAMPLING[self.interpolation]
            if self.pad is None:
                image = image.resize((width, height), method)
            else:
                color = self.pad if mode == "L" else (self.pad,) * 3
                image = ImageOps.pad(image, (width, height), method, color)
        if self.crop is not None:
            height, width = pair(self.crop)
            top, left = self._start(image.height, height), self._start(image.width, width)
            # Outside of the image, Pillow gives 0.
            image = image.crop((left, top, left + width, top + height))
        pixels = np.asarray(image)
        return pixels.reshape(*pixels.shape[:2], -1)

    def _start(self, whole: int, part: int) -> int:
        if self.centre == "floor":
            return (whole - part) // 2
        return -((part - whole) // 2) if part > whole else round((whole - part) / 2)


def pair(size: int | Sequence[int]) -> Size:
    """Return height and width; a number stands for a square."""
    if isinstance(size, int):
        return size, size
    height, width = size
    return height, width


def orientation(image: Image.Image) -> int:
    """Return how the camera was held, 2 to 8; or 1, upright."""
    if not WITH_ORIENTATION & image.info.keys():
        return 1
    value = image.getexif().get(ExifTags.Base.Orientation)
    return value if isinstance(value, int) and 2 <= value <= 8 else 1
