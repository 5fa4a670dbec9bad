"""What a run shows on the terminal: one line of progress, until the closing lines replace it.

Snakemake tells some ten lines of each job. Under a profile or option that is quiet about rules,
they go to its log alone, and this shows how far the run is.
"""

import logging
import os
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from tqdm import tqdm

# Of what Snakemake says without an error: the results of commands, and where the log of a run is.
KEPT = ("Nothing to be done", "Complete log", "Report created", "Unlocking", "Congratulations")
REFRESH_SECONDS = 1.0
LINES = 10  # for a whole run, where no line can be overwritten
LOG_END = 4096  # bytes of the log of a job that are read for its last line
BAR = "{n_fmt} of {total_fmt} steps |{bar:12}| {elapsed} {desc}"


class Running(NamedTuple):
    """A job: its name, the paths of its logs, and when it began, in seconds since the epoch."""

    name: str
    logs: list[str]
    start: float


class ProgressLine(logging.Handler):
    """Shows the events of Snakemake's log as one line on a terminal, as few lines elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(logging.INFO)
        self._stream, self._is_terminal = stream, stream.isatty()
        self._running: dict[int, Running] = {}
        self._bar: tqdm[Any] | None = None
        self._shown = 0
        self._ended = threading.Event()
        if self._is_terminal:
            threading.Thread(target=self._refresh_often, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take an event; other records have none."""
        told = record.__dict__
        match str(told.get("event") or ""):
            case "run_info":
                self._start(told.get("stats"))
            case "job_info":
                wildcards = " ".join(map(str, (told.get("wildcards") or {}).values()))
                name = f"{told['rule_name']} {wildcards}".strip()
                logs = list(told.get("log") or [])
                self._running[told["jobid"]] = Running(name, logs, time.time())
            case "job_finished":
                self._running.pop(told["job_id"], None)
            case "job_error":
                self._running.pop(told["jobid"], None)
            case "progress":
                self._count(told["done"], told["total"])
        if self._is_terminal:
            self._refresh()

    def _start(self, stats: Any) -> None:
        if self._is_terminal and self._bar is None:
            total = stats.get("total") if isinstance(stats, dict) else None
            self._bar = tqdm(
                total=total, file=self._stream, bar_format=BAR, leave=False, dynamic_ncols=True
            )

    def _count(self, done: int, total: int) -> None:
        if self._bar is not None:
            self._bar.n, self._bar.total = done, total
        lines = LINES * done // total
        if lines > self._shown and not self._is_terminal:
            print(
                f"{done} of {total} steps ({done / total:.0%}) done", file=self._stream, flush=True
            )
        self._shown = lines

    def _refresh_often(self) -> None:
        while not self._ended.wait(REFRESH_SECONDS):
            with self.lock or threading.RLock():
                self._refresh()

    def _refresh(self) -> None:
        if self._bar is not None:
            jobs = list(self._running.values())
            self._bar.set_description_str(", ".join(map(_describe, jobs)), refresh=False)
            self._bar.refresh()

    def hide(self) -> None:
        """Make room for another line; the next event or second shows it again below."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        """Remove the line for good."""
        self._ended.set()
        with self.lock or threading.RLock():
            if self._bar is not None:
                self._bar.close()
                self._bar = None
        super().close()


def _describe(job: Running) -> str:
    """Return the name of a job, and how far its log says it is."""
    for log in job.logs:
        try:
            if os.path.getmtime(log) < job.start:  # of an earlier run
                continue
            with Path(log).open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - LOG_END))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:  # not yet there
            continue
        told = [line.rpartition(": ")[2] for line in lines if " of " in line]
        if told:
            return f"{job.name}: {told[-1]}"
    return job.name


def take_over(logger: logging.Logger, is_dry_run: bool) -> ProgressLine | None:
    """Let Snakemake's log have what the terminal does not show, and show a line of progress.

    `logger` is Snakemake's, whose handlers filter by what the command line and the profile are
    quiet about. Without quiet about rules, and in a dry run, whose messages are its result, the
    terminal stays Snakemake's, and there is no line.
    """
    # Of Snakemake's own classes, which have no types.
    terminal: Any = None
    line = None
    for handler in logger.handlers:
        if handler.name == "DefaultLogFileHandler":
            _tell_all(handler)
        elif handler.name == "DefaultStreamHandler":
            terminal = handler
    if terminal is None:  # a plugin shows the run in another way
        return None
    quiet = {str(name).lower() for filter in terminal.filters for name in filter.quiet}
    if is_dry_run:
        _tell_all(terminal)
    elif "rules" in quiet:
        line = ProgressLine(terminal.stream)
        terminal.addFilter(_Short(line))
        logger.addHandler(line)
    return line


def _tell_all(handler: Any) -> None:
    for part in (handler.formatter, *handler.filters):
        part.quiet = set()


class _Short(logging.Filter):
    """Keeps warnings, errors, and what says that a run is not needed or where its log is."""

    def __init__(self, line: ProgressLine) -> None:
        super().__init__()
        self._line = line

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg or "")
        shown = record.levelno > logging.INFO or text.startswith(KEPT)
        if shown:
            self._line.hide()
        return shown
