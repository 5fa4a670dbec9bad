"""A process that waits for another one, which may die of a signal and say nothing."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
from types import FrameType

from ptq_comparison.common.faults import INTERRUPTS, DiedOfSignal
from ptq_comparison.common.limits import Limits

PR_SET_PDEATHSIG = 1  # of Linux's prctl
INTERRUPTED = 130  # exit code, as that of a shell's command after Ctrl-C
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes


def supervise(limits: Limits | None = None) -> int | None:
    """Fork: return None in the child, and in the parent the exit code of the child, once it ends.

    Imports that take long, and threads, have to come after. Signals that ask for the end go to the
    child, where they raise KeyboardInterrupt; the code is then 130, as after Ctrl-C in a shell.
    The child ends with its parent. Raises DiedOfSignal in the parent for other signals.
    """
    # Until both know what to do with a signal, none is delivered, and none is lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    child = os.fork()

    def forward(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(child, number)

    if child:
        for number in INTERRUPTS:
            signal.signal(number, forward)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
    else:
        for number in INTERRUPTS:
            # nohup and a shell's background jobs ignore some.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        end_with_parent()
        _end_first()
        if limits:
            limits.apply()
        return None
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if -code in INTERRUPTS:
        return INTERRUPTED
    if code < 0:
        raise DiedOfSignal(-code, usage.ru_maxrss * MAXRSS_UNIT)
    return code


def unlock_on_hangup() -> None:
    """Let SIGHUP end Snakemake as Ctrl-C does, which removes its lock, unless it is ignored."""
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.default_int_handler)


def end_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends, which alone can say how it ended."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_first() -> None:
    """Where memory runs out, let Linux kill this process, before its parent and Snakemake."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")
