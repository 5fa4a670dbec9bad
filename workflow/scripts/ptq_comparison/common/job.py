"""What every script does around its work: the log, and errors of one line."""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ptq_comparison.common.errors import UserError

ERROR_PREFIX = "error: "


@contextmanager
def job(log: str, rule: str) -> Iterator[TextIO]:
    """Send all output of the process to the file `log`; yield the terminal for progress bars.

    The file descriptors are redirected, not only `sys.stderr`: onnxruntime writes
    its messages from C++. An exception leaves its traceback in the log and one
    line on the terminal, and ends the process with exit code 1.
    """
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
            yield terminal
        except Exception as error:
            traceback.print_exc()
            line = " ".join(str(error).split())
            if not isinstance(error, UserError):
                line = f"unexpected {type(error).__name__}: {line}"
            print(f"{ERROR_PREFIX}{rule}: {line} (log: {log})", file=sys.stderr)
            print(f"{ERROR_PREFIX}{rule}: {line} (log: {log})", file=terminal)
            sys.exit(1)
