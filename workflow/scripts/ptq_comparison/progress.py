"""The progress bar of the steps that go through images."""

from typing import TextIO

from tqdm import tqdm


def progress_bar(description: str, images: int, terminal: TextIO) -> tqdm:
    """Return a bar that counts images on `terminal`, and shows nothing where that is not one."""
    return tqdm(desc=description, total=images, unit=" images", file=terminal, disable=None)
