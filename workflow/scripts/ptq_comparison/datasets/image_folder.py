"""A data set of image files: `split/class/*.png` or `.jpg`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.dataset import SPLITS, Dataset, Split, is_hidden

SUFFIXES = {".png", ".jpg", ".jpeg"}
# Pillow's names of what a pixel holds. It clips others, as 16-bit grey ones, without a word.
GREY_MODES = {"1", "L", "LA"}
COLOR_MODES = {"P", "RGB", "RGBA", "CMYK", "YCbCr"}


class ImageFiles:
    """Image files that look like an array, uint8 (N, H, W, C), and are decoded when sliced.

    The first file sets size and channels: 1 for a grey image, else 3 (RGB). Opacity is left out.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._mode, size = "RGB", (0, 0)
        if files:
            with _open(files[0]) as image:
                size = image.size
                self._mode = "L" if image.mode in GREY_MODES else "RGB"
        self.shape = (len(files), size[1], size[0], 1 if self._mode == "L" else 3)

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: slice) -> np.ndarray:
        return np.stack([self._decode(file) for file in self._files[index]])

    def _decode(self, file: Path) -> np.ndarray:
        with _open(file) as image:
            if self._mode == "L" and image.mode not in GREY_MODES:
                raise UserError(f"{file}: a colour image among grey ones; convert all to one kind")
            try:
                pixels = np.asarray(image.convert(self._mode))
            except (OSError, SyntaxError, ValueError) as error:  # SyntaxError: a broken PNG
                raise UserError(f"{file}: cannot be decoded ({error}); replace it") from error
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        if pixels.shape != self.shape[1:]:
            raise UserError(
                f"{file}: height, width, channels are {pixels.shape}, those of the first image "
                f"{self.shape[1:]}; resize all images to one size"
            )
        return pixels


def read_image_folder(path: Path) -> Dataset:
    """Read `train/<class>/*` and `test/<class>/*`, PNG or JPEG, all of one size.

    Classes are the sorted folder names of the training split, images are sorted by class
    and file name. Raises UserError for a missing split, an unknown class in the test split, a
    file that is not an image, or images of different sizes. Hidden files and folders are skipped.
    """
    for split in SPLITS:
        if not (path / split).is_dir():
            raise UserError(f"{path / split}: no such folder; image_folder wants {split}/<class>/")
    class_names = _class_names(path / "train")
    unknown = sorted(set(_class_names(path / "test")) - set(class_names))
    if unknown:
        raise UserError(f"{path / 'test' / unknown[0]}: no such class in {path / 'train'}")
    train, test = (_read_split(path / split, class_names) for split in SPLITS)
    return Dataset(class_names, train, test)


def _class_names(folder: Path) -> list[str]:
    return sorted(e.name for e in folder.iterdir() if e.is_dir() and not is_hidden(e.name))


def _read_split(folder: Path, class_names: Sequence[str]) -> Split:
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(class_names):
        members = sorted(
            file
            for file in (folder / name).glob("*")
            if file.suffix.lower() in SUFFIXES and not is_hidden(file.name)
        )
        files += members
        labels += [label] * len(members)
    return Split(ImageFiles(files), np.array(labels, dtype=np.int64))


def _open(file: Path) -> Image.Image:
    try:
        image = Image.open(file)
    except UnidentifiedImageError as error:
        raise UserError(f"{file}: not a PNG or JPEG image; remove or replace it") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{file}: cannot be read ({error}); remove or replace it") from error
    if image.mode not in GREY_MODES | COLOR_MODES:
        raise UserError(
            f"{file}: has pixels of Pillow's mode {image.mode}; allowed are 8-bit grey and colour: "
            "convert all images"
        )
    return image
