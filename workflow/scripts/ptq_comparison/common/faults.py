"""Why a job failed, in one line: a mistake of the user, a fault of the machine, or neither."""

import errno
import re
import signal
from collections.abc import Iterator

from ptq_comparison.common.errors import LETTERS, UserError
from ptq_comparison.common.limits import Limits
from ptq_comparison.common.texts import cut_middle

NO_SPACE = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk quota",
    errno.EFBIG: "file size limit: ulimit -f",
}
# What numpy, which has no error number for it, and native code say of a full disk.
NO_SPACE_TEXT = re.compile(r"\d+ requested and \d+ written|No space left on device")
NO_SPACE_LINE = "results: no space left ({}); make room, then run the same command"
# What onnxruntime, protobuf and TensorFlow say.
OUT_OF_MEMORY = ("allocate memory", "bad_alloc", "bad allocation", "OOM when allocating")
FEWER_JOBS = "run fewer jobs at once, with a smaller --cores"
# Of native code that computes: another model may do well on the same machine.
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DiedOfSignal(Exception):
    """The process of a job died of a signal, and held at most `held` bytes before."""

    def __init__(self, number: int, held: int) -> None:
        self.number = number
        super().__init__(f"died of {signal_name(number)}, and held {held / 1e6:,.0f} MB at most")


def signal_name(number: int) -> str:
    """Return the name of a signal, or its number if it has none, as most real-time signals."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def is_fault_of_machine(error: BaseException) -> bool:
    """Tell whether the machine or the installation failed, which says nothing about a recipe."""
    if isinstance(error, DiedOfSignal):
        return error.number not in CRASHES
    return (
        isinstance(error, (OSError, MemoryError, ImportError))
        or _no_space(error) is not None
        or _no_memory(error)
    )


def describe_failure(
    error: Exception, memory_key: str | None = None, limits: Limits | None = None
) -> str:
    """Return why something could not be made, in one line.

    `memory_key` is the key of the config that a job of this kind needs less memory with, `limits`
    are those of the process.
    """
    lower = f"lower {memory_key}, or {FEWER_JOBS}" if memory_key else FEWER_JOBS
    if isinstance(error, DiedOfSignal):
        return _describe_death(error, lower, limits)
    full = _no_space(error)
    if full:
        return NO_SPACE_LINE.format(full)
    if _no_memory(error):
        return limits.memory_line() if limits else f"memory ran out; {lower}"
    line = " ".join(str(error).split())
    if isinstance(error, UserError):
        return line
    return f"unexpected {type(error).__name__}: {cut_middle(line, LETTERS)}"


def _describe_death(error: DiedOfSignal, lower: str, limits: Limits | None) -> str:
    if limits and error.number == signal.SIGXCPU:
        return limits.time_line()
    if limits and error.number == signal.SIGABRT:  # an allocation that nobody caught
        return limits.memory_line()
    return f"{error}; {remedy_of_signal(error.number, lower)}"


def remedy_of_signal(number: int, lower: str = FEWER_JOBS) -> str:
    """Return the likely cause of a death by a signal, and what helps."""
    if number == signal.SIGKILL:
        return f"unless somebody killed it, memory ran out: {lower}"
    if number == signal.SIGBUS:
        return "a file became shorter or the disk is full: make room, then run the same command"
    if number == signal.SIGXCPU:
        return "a limit of CPU time is reached: raise it (ulimit -t), then run the same command"
    if number in CRASHES:
        return (
            "native code crashed, probably that of onnxruntime on this model: the end of the log "
            "says at what; if it happens again, leave this model or recipe out"
        )
    return "run the same command again"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _no_space(error: BaseException) -> str | None:
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.errno in NO_SPACE:
            return NO_SPACE[cause.errno]
        if not isinstance(cause, UserError) and NO_SPACE_TEXT.search(str(cause)):
            return NO_SPACE[errno.ENOSPC]
    return None


def _no_memory(error: BaseException) -> bool:
    return any(
        isinstance(cause, MemoryError) or any(text in str(cause) for text in OUT_OF_MEMORY)
        for cause in _chain(error)
    )
