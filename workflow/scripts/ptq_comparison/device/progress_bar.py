"""A bar on a terminal; in a file, a line a step."""

from __future__ import annotations

import sys
from typing import TextIO

WIDTH = 30


class ProgressBar:
    """Shows how much of a step is done; `update` counts as tqdm's does."""

    def __init__(self, text: str, total: int, stream: TextIO | None = None) -> None:
        self._text, self._total, self._done = text, total, 0
        self._stream = stream or sys.stderr
        self._drawn = -1
        if not self._stream.isatty():
            print(text, file=self._stream, flush=True)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def update(self, n: int = 1) -> None:
        """Count `n` more."""
        self._done += n
        filled = WIDTH * self._done // max(self._total, 1)
        if self._stream.isatty() and filled != self._drawn:
            self._drawn = filled
            bar = "#" * filled + "." * (WIDTH - filled)
            self._stream.write(f"\r[{bar}] {self._text}\x1b[K")
            self._stream.flush()
