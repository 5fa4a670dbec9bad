"""How far a long step is: a bar on a terminal, and plain lines in the log."""

import logging
from typing import Any, TextIO

from tqdm import tqdm

LINES = 10  # in the log for a whole step


class Progress(tqdm):  # type: ignore[misc]  # tqdm has no types
    """A tqdm bar on a terminal, nothing on anything else, and lines in the log in both cases."""

    def __init__(
        self,
        description: str,
        total: int | None,
        terminal: TextIO,
        unit: str = " images",
        **options: Any,
    ):
        self._text, self._unit = description, unit
        self._counted = self._lines = 0
        # disable=None: no bar where the file is not a terminal
        super().__init__(
            desc=description, total=total, unit=unit, file=terminal, disable=None, **options
        )

    def update(self, n: float = 1) -> bool | None:
        """Count `n` more. Without a total, the log gets no lines."""
        self._counted += int(n)
        lines = LINES * self._counted // self.total if self.total else 0
        if lines > self._lines:
            self._lines = lines
            done = f"{min(self._counted, self.total):,} of {self.total:,}{self._unit}"
            logging.info("%s: %s", self._text, done)
        return super().update(n)  # type: ignore[no-any-return]

    def reset(self, total: float | None = None) -> None:
        """Count from 0 again, as a download that begins again; lines are not written twice."""
        self._counted = 0
        super().reset(total)
