"""Functions called in a process that they may kill, fill or never end."""

import contextlib
import os
import pickle
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ptq_comparison.common.errors import UserError

KILL_AFTER = 20.0  # seconds


class Outcome(NamedTuple):
    """How a call ended: `returned` or `refused` (UserError) with a text, or what went wrong.

    `kind` may also be `raised` (another exception), `signal` (with its name) or `endless`.
    `peak_bytes` is what the process held more than before the call.
    """

    kind: str
    text: str
    seconds: float
    peak_bytes: int

    @property
    def survived(self) -> bool:
        """Tell whether the call did what a function is expected to do with any input."""
        return self.kind in ("returned", "refused")


def confined(function: Callable[..., Any], *arguments: Any) -> Outcome:
    """Call a function in a fork of this process; what it prints is lost."""
    reading, writing = os.pipe()
    before = _resident_bytes()
    begin = time.monotonic()
    child = os.fork()
    if not child:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        answer = _call(function, *arguments)
        with contextlib.suppress(OSError):
            os.write(writing, pickle.dumps((answer[0], answer[1][:2000])))
        os._exit(0)
    os.close(writing)
    ended, _, _ = select.select([reading], [], [], KILL_AFTER)
    content = os.read(reading, 65536) if ended else b""
    os.close(reading)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - begin
    peak = max(0, 1024 * usage.ru_maxrss - before)
    if not ended:
        return Outcome("endless", "", seconds, peak)
    if not content:
        code = os.waitstatus_to_exitcode(status)
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Outcome("signal", name, seconds, peak)
    return Outcome(*pickle.loads(content), seconds, peak)


def _call(function: Callable[..., Any], *arguments: Any) -> tuple[str, str]:
    try:
        return "returned", repr(function(*arguments))
    except UserError as error:
        return "refused", str(error)
    except BaseException as error:
        return "raised", f"{type(error).__name__}: {error}"


def _resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
