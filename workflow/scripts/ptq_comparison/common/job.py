"""What every script does around its work: its paths, the log, and errors of one line."""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TextIO

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.not_made import (
    describe_failure,
    is_fault_of_machine,
    read_not_made,
    write_not_made,
)

if TYPE_CHECKING:
    from ptq_comparison.common.progress import Progress

ERROR_PREFIX = "error: "
NOT_MADE_PREFIX = "not made: "
# onnxruntime, which scripts import after this, would look a host up and keep a device id.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


class Task:
    """A job of Snakemake as its script sees it.

    `input` and `output` hold a Path for each name of the rule, or a list of them where the rule
    names several files. `params` and `wildcards` are those of the rule, `threads` its threads.
    """

    def __init__(self, snakemake: Any, terminal: TextIO) -> None:
        self.input, self.output = _paths(snakemake.input), _paths(snakemake.output)
        self.params, self.wildcards = snakemake.params, snakemake.wildcards
        self.threads: int = snakemake.threads
        self.terminal = terminal

    def progress(self, text: str, total: int, unit: str = " images") -> "Progress":
        """Return a bar on the terminal that counts to `total`, with lines in the log."""
        # Here, since tqdm takes time to import and few jobs show a bar.
        from ptq_comparison.common.progress import Progress

        return Progress(text, total, self.terminal, unit)

    def print(self, text: str) -> None:
        """Show a text on the terminal; what a script prints otherwise goes to the log."""
        print(text, file=self.terminal)


def _paths(files: Any) -> SimpleNamespace:
    return SimpleNamespace(
        **{
            name: Path(value) if isinstance(value, str) else list(map(Path, value))
            for name, value in files.items()
        }
    )


def _files(paths: SimpleNamespace) -> Iterable[Path]:
    """Yield all files that the names stand for."""
    for value in vars(paths).values():
        yield from [value] if isinstance(value, Path) else value


@contextmanager
def job(snakemake: Any, reads_not_made: bool = False) -> Iterator[Task]:
    """Send all output of the process to the log of the rule; yield the job.

    `snakemake` is the object that Snakemake gives to a script. The file descriptors are redirected,
    not only `sys.stderr`: onnxruntime writes its messages from C++. An exception leaves its
    traceback in the log and one line on the terminal, and ends the process with exit code 1.

    A rule with the parameter `one_of_many` makes one recipe of many: it ends with exit code 0 and
    markers of `not_made` as its outputs, where an exception is raised that is not a fault of the
    machine, and, without running the block, where an input is a marker. In any other rule such an
    input is an error, unless the script `reads_not_made`.
    """
    log = snakemake.log[0]
    one_of_many = bool(getattr(snakemake.params, "one_of_many", False))
    # A cluster that cancels a job sends SIGTERM, which by default would leave temporary files.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with os.fdopen(os.dup(2), "w", buffering=1) as terminal, Path(log).open("w") as file:
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # in order with stderr
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        logging.basicConfig(
            stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s", force=True
        )
        try:
            task = Task(snakemake, terminal)
            if not reads_not_made:
                _pass_on(task, one_of_many)
            yield task
        except Exception as error:
            traceback.print_exc()
            line = describe_failure(error)
            tolerated = one_of_many and not is_fault_of_machine(error)
            if tolerated:
                hint = "" if isinstance(error, UserError) else f"; see {log}"
                _mark(task, f"{line}{hint}")
            prefix = NOT_MADE_PREFIX if tolerated else ERROR_PREFIX
            for stream in (sys.stderr, terminal):
                print(f"{prefix}{snakemake.rule}: {line} (log: {log})", file=stream)
            sys.exit(0 if tolerated else 1)


def _pass_on(task: Task, one_of_many: bool) -> None:
    """End the process where an input is a marker: with exit code 0 if that is tolerated."""
    for path in _files(task.input):
        reason = read_not_made(path)
        if reason is not None:
            if not one_of_many:
                raise UserError(reason)
            # Without a line on the terminal: the job that wrote the marker has said it.
            logging.info("%s could not be made: %s", path, reason)
            _mark(task, reason)
            sys.exit(0)


def _mark(task: Task, reason: str) -> None:
    """Write markers over all outputs, also over those that the job had finished."""
    for path in _files(task.output):
        write_not_made(path, reason)
