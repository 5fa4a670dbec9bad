"""The lines that close a run, taken from Snakemake's own log of it."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from ptq_comparison.common.faults import NO_SPACE_LINE, NO_SPACE_TEXT, remedy_of_signal, signal_name
from ptq_comparison.common.job import ERROR_PREFIX

# What Snakemake writes. An error names the rule, some lines below it the log.
FAILED = re.compile(r"^Error in rule (\S+):\n(?:^[ \t].*\n)*?^[ \t]+log: (.+) \(check log", re.M)
DIED = re.compile(r"died with (?:<Signals\.\w+: |unknown signal )(\d+)")
MADE = re.compile(r"^(?:local)?rule (\w+):", re.MULTILINE)
STOPPED = ("Terminating processes on user request", "Will exit after finishing currently running")
RESULTS = Path("results")
WIDTH = 79  # of a terminal of 80 columns
INTERRUPTED = "stopped before the end: what is finished is kept; to go on, type the same command"


def closing_texts(log: str) -> list[str]:
    """Return what closes a run: table and verdict, reasons of a loss, recommendation, next steps.

    Each is there where the run has made it, as its `log` tells; a run of something else has none.
    """
    made = set(MADE.findall(log))
    names = []
    if made & {"all", "default"}:
        names += ["summary.txt", "diagnosis.md"]
    if made & {"recommend", "write_recommendation"}:
        names += ["recommendation.txt"]
    # The reasons are empty where nothing has lost too much.
    texts = [(RESULTS / name).read_text().strip("\n") for name in names]
    return [*map(_wrap, filter(None, texts)), *([next_steps(names)] if names else [])]


def _wrap(text: str) -> str:
    """Return a text in which no line is wider than a terminal, except for words that are."""
    return "\n".join(
        line
        if len(line) <= WIDTH
        else textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )


def next_steps(names: Sequence[str]) -> str:
    """Return what to read and to type after a run that has made the results `names`."""
    command = "snakemake" if shutil.which("snakemake") else f"{_python()} -m snakemake"
    steps = {}
    if "summary.txt" in names:
        steps["everything measured"] = "results/comparison.html"
    if "recommendation.txt" in names:
        steps["how to use it"] = "results/recommendation.md"
        targets = "all recommend" if "summary.txt" in names else "recommend"
        steps["the report"] = f"{command} --report report.html {targets}"
    else:
        steps["the report"] = f"{command} --report report.html"
        steps["a better or faster model"] = f"{command} recommend"
    width = max(map(len, steps.values()))
    lines = [f"  {what.ljust(width)}  {why}" for why, what in steps.items()]
    if max(map(len, lines)) > WIDTH:
        lines = [f"  {why}:\n    {what}" for why, what in steps.items()]
    return "\n".join(["Next:", *lines])


def _python() -> str:
    """Return how to call this interpreter from here."""
    path = os.path.relpath(sys.executable)
    return sys.executable if path.startswith(os.pardir) else path


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
