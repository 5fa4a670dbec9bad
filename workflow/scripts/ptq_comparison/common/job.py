"""What every script does around its work: its paths, the log, and errors of one line."""

import faulthandler
import logging
import os
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, TextIO

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.faults import describe_failure, is_fault_of_machine
from ptq_comparison.common.limits import Limits
from ptq_comparison.common.not_made import read_not_made, write_not_made
from ptq_comparison.common.progress import Progress
from ptq_comparison.common.supervisor import MAXRSS_UNIT, supervise
from ptq_comparison.common.temporary import make_temporary, remove_stale

ERROR_PREFIX = "error: "
NOT_MADE_PREFIX = "not made: "
CLEAR_LINE = "\r\x1b[K"
# onnxruntime, which scripts import after this, would look a host up and keep a device id.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


class Task:
    """A job of Snakemake as its script sees it.

    `input` and `output` hold a Path for each name of the rule, or a list of them where the rule
    names several files. `params` and `wildcards` are those of the rule, `threads` its threads.
    """

    def __init__(self, snakemake: Any, terminal: TextIO) -> None:
        self.input, self.output = _paths(snakemake.input), _paths(snakemake.output)
        # Files of the user whose names Snakemake would read as patterns; see common.smk.
        for name, paths in getattr(snakemake.params, "odd_names", {}).items():
            setattr(self.input, name, Path(next(iter(paths))))
        self.params, self.wildcards = snakemake.params, snakemake.wildcards
        self.rule: str = snakemake.rule
        self.one_of_many = bool(getattr(snakemake.params, "one_of_many", False))
        self.threads: int = snakemake.threads
        self.terminal = terminal

    def progress(self, text: str, total: int, unit: str = " images") -> Progress:
        """Return a counter to `total` that writes lines to the log, which the terminal shows."""
        return Progress(text, total, unit)

    def print(self, text: str) -> None:
        """Show a text on the terminal; what a script prints otherwise goes to the log."""
        # Over the line of progress, which the next event shows again.
        clear = CLEAR_LINE if self.terminal.isatty() else ""
        print(f"{clear}{text}", file=self.terminal)


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
def job(
    snakemake: Any,
    reads_not_made: bool = False,
    memory_key: str | None = None,
    limits: Limits | Callable[[Task], Limits] | None = None,
) -> Iterator[Task]:
    """Send all output of the process to the log of the rule; yield the job, in a fork.

    `snakemake` is the object that Snakemake gives to a script. The file descriptors are redirected,
    not only `sys.stderr`: onnxruntime writes its messages from C++. An exception leaves its
    traceback in the log and one line on the terminal, and ends the process with exit code 1. So
    does a signal that the fork dies of. `memory_key` is the key of the config to lower where
    memory ran out, and `limits` are those of the fork, or a function that returns them.

    A rule with the parameter `one_of_many` makes one recipe of many: it ends with exit code 0 and
    markers of `not_made` as its outputs, where something fails that is not a fault of the
    machine, and, without running the block, where an input is a marker. In any other rule such an
    input is an error, unless the script `reads_not_made`.
    """
    path = Path(snakemake.log[0])
    if memory_key and getattr(snakemake.params, "batch_size", memory_key) is None:
        memory_key = "memory_mb"  # which the batch size follows from
    with os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace") as terminal:
        task = Task(snakemake, terminal)
        bounds = limits(task) if callable(limits) else limits
        folders = {file.absolute().parent for file in [*_files(task.output), path]}
        try:
            remove_stale(folders)
            path.write_text("")
            with path.open("a") as file:  # several processes write into it
                code = supervise(bounds)
                if code is not None:
                    sys.exit(code)
                _send_output_to(file)
                _keep_temporary_files_in(path.parent)
                if not reads_not_made:
                    _pass_on(task)
                yield task
                peak, seconds = used_resources()
                logging.info("peak memory: %.0f MB, CPU time: %.2f s", peak / 1e6, seconds)
        except Exception as error:
            _fail(task, error, path, memory_key, bounds)
        finally:
            remove_stale(folders)


def used_resources() -> tuple[int, float]:
    """Return the bytes that this process, or one that it has waited for, held at most.

    And the seconds of CPU time of all of them.
    """
    used = [resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    most = max(each.ru_maxrss for each in used) * MAXRSS_UNIT
    return most, sum(each.ru_utime + each.ru_stime for each in used)


def _send_output_to(log: TextIO) -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # in order with stderr
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    faulthandler.enable()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s", force=True
    )


def _keep_temporary_files_in(folder: Path) -> None:
    """Let this process, and those that it starts, write temporary files where they are removed."""
    tempfile.tempdir = os.environ["TMPDIR"] = str(make_temporary(folder))
    # Fonts, which matplotlib lists once, and which would go to the home folder.
    os.environ.setdefault("MPLCONFIGDIR", str(Path(".snakemake/matplotlib").absolute()))


def _fail(
    task: Task, error: Exception, log: Path, memory_key: str | None, limits: Limits | None
) -> NoReturn:
    """End the process: say why in the log and on the terminal, and mark one of many."""
    line = describe_failure(error, memory_key, limits)
    tolerated = task.one_of_many and not is_fault_of_machine(error)
    if tolerated:
        hint = "" if isinstance(error, UserError) else f"; see {log}"
        try:
            _mark(task, f"{line}{hint}")
        except OSError as full:
            line, tolerated = describe_failure(full), False
    prefix = NOT_MADE_PREFIX if tolerated else ERROR_PREFIX
    closing = f"{prefix}{task.rule}: {line} (log: {log})"
    with (
        suppress(OSError),
        log.open("a", errors="backslashreplace") as file,
    ):  # the disk may be full
        traceback.print_exception(error, file=file)
        print(closing, file=file)
    with suppress(OSError):
        task.print(closing)
    sys.exit(0 if tolerated else 1)


def _pass_on(task: Task) -> None:
    """End the process where an input is a marker: with exit code 0 if that is tolerated."""
    for path in _files(task.input):
        reason = read_not_made(path)
        if reason is not None:
            if not task.one_of_many:
                raise UserError(reason)
            # Without a line on the terminal: the job that wrote the marker has said it.
            logging.info("%s could not be made: %s", path, reason)
            _mark(task, reason)
            sys.exit(0)


def _mark(task: Task, reason: str) -> None:
    """Write markers over all outputs, also over those that the job had finished."""
    for path in _files(task.output):
        write_not_made(path, reason)
