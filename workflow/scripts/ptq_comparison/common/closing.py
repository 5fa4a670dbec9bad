"""The lines that close a run, taken from Snakemake's own log of it."""

import re
from pathlib import Path

from ptq_comparison.common.faults import NO_SPACE_LINE, NO_SPACE_TEXT, remedy_of_signal, signal_name
from ptq_comparison.common.job import ERROR_PREFIX

# What Snakemake writes. An error names the rule, some lines below it the log.
FAILED = re.compile(r"^Error in rule (\S+):\n(?:^[ \t].*\n)*?^[ \t]+log: (.+) \(check log", re.M)
DIED = re.compile(r"died with (?:<Signals\.\w+: |unknown signal )(\d+)")
MADE_ALL = re.compile(r"^(?:local)?rule (?:all|default):", re.MULTILINE)
STOPPED = ("Terminating processes on user request", "Will exit after finishing currently running")
INTERRUPTED = "stopped before the end: what is finished is kept; to go on, type the same command"


def made_all(log: str) -> bool:
    """Tell from the log of a run whether it made `all`; a run of something else has no verdict."""
    return MADE_ALL.search(log) is not None


def error_lines(log: str) -> list[str]:
    """Return one line for each failed job of a run, or one for a run that was stopped."""
    if any(text in log for text in STOPPED):
        return [INTERRUPTED]
    lines = [_line_of_job(log, failure) for failure in FAILED.finditer(log)]
    if not lines and NO_SPACE_TEXT.search(log):  # in what Snakemake itself writes
        lines.append(ERROR_PREFIX + NO_SPACE_LINE.format("disk full"))
    return list(dict.fromkeys(lines))


def _line_of_job(log: str, failure: re.Match[str]) -> str:
    """Return the last line of the log of a job, or say what Snakemake knows about its end."""
    rule, path = failure.groups()
    file = Path(path)
    last = file.read_text(errors="replace").splitlines()[-1:] if file.is_file() else []
    if last and last[0].startswith(ERROR_PREFIX):
        return last[0]
    deaths = DIED.findall(log[: failure.end()])
    if not deaths:
        return f"{ERROR_PREFIX}{rule}: failed; the messages above say why (log: {path})"
    number = int(deaths[-1])
    remedy = remedy_of_signal(number)
    return f"{ERROR_PREFIX}{rule}: died of {signal_name(number)}; {remedy} (log: {path})"
