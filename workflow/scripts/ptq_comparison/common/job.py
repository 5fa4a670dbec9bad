"""What every script does around its work: its paths, the log, and errors of one line."""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TextIO

from ptq_comparison.common.errors import UserError

if TYPE_CHECKING:
    from ptq_comparison.common.progress import Progress

ERROR_PREFIX = "error: "


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


@contextmanager
def job(snakemake: Any) -> Iterator[Task]:
    """Send all output of the process to the log of the rule; yield the job.

    `snakemake` is the object that Snakemake gives to a script. The file descriptors are redirected,
    not only `sys.stderr`: onnxruntime writes its messages from C++. An exception leaves its
    traceback in the log and one line on the terminal, and ends the process with exit code 1.
    """
    log = snakemake.log[0]
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
            yield Task(snakemake, terminal)
        except Exception as error:
            traceback.print_exc()
            line = " ".join(str(error).split())
            if not isinstance(error, UserError):
                line = f"unexpected {type(error).__name__}: {line}"
            for stream in (sys.stderr, terminal):
                print(f"{ERROR_PREFIX}{snakemake.rule}: {line} (log: {log})", file=stream)
            sys.exit(1)
