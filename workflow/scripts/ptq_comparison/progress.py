"""The progress bar of the steps that go through images."""

from typing import TextIO

from tqdm import tqdm


def progress_bar(description: str, total: int, terminal: TextIO, unit: str = "images") -> tqdm:
    """Return a bar that counts on `terminal`, and shows nothing where that is not one."""
    return tqdm(desc=description, total=total, unit=f" {unit}", file=terminal, disable=None)
