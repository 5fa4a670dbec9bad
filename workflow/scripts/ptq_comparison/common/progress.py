"""How far a long step is: plain lines in its log, of which the terminal shows the last one."""

import logging
from typing import Self

LINES = 10  # in the log for a whole step


class Progress:
    """Counts what a step has done, and writes a line to the log for each tenth of it.

    Jobs run side by side, so none draws on the terminal: `common.terminal` shows one line for all.
    `total` is None where it is not known; then there are no lines.
    """

    def __init__(self, description: str, total: int | None, unit: str = " images") -> None:
        self.total = total
        self._text, self._unit = description, unit
        self._counted = self._lines = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def update(self, n: int = 1) -> None:
        """Count `n` more."""
        self._counted += n
        lines = LINES * self._counted // self.total if self.total else 0
        if self.total and lines > self._lines:
            self._lines = lines
            done = f"{min(self._counted, self.total):,} of {self.total:,}{self._unit}"
            logging.info("%s: %s", self._text, done)

    def reset(self) -> None:
        """Count from 0 again, as a download that begins again; lines are not written twice."""
        self._counted = 0
