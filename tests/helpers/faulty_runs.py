"""Runs of the workflow that are disturbed: started, watched, killed, and compared."""

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from helpers.paths import REPOSITORY
from helpers.snakemake_runs import snakemake_command

SECONDS = 300  # after which a run counts as endless
# Their content tells times and processes.
UNEQUAL = ("logs", "benchmarks")


def start(
    folder: Path,
    *targets: str,
    configfiles: tuple[Path, ...] = (),
    inside: Sequence[str] = (),
    limit: Callable[[], object] | None = None,
    cores: int = 2,
) -> subprocess.Popen[str]:
    """Start a run in a group of its own; `inside` goes before its command, `limit` runs in it."""
    command = [*inside, *snakemake_command(folder, *targets, configfiles=configfiles, cores=cores)]
    with (folder.parent / f"{folder.name}.txt").open("w") as output:
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            preexec_fn=limit,
        )


def output(folder: Path) -> str:
    """Return what the last run in a folder has printed."""
    return (folder.parent / f"{folder.name}.txt").read_text()


def jobs(folder: Path) -> list[int]:
    """Return the processes of the jobs of a run: those that Snakemake started, then their forks."""
    script = f"{folder}/.snakemake/scripts/".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if script in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:  # it has ended
                continue
    return sorted(found)


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> bool:
    """Wait until something holds; tell whether it did before the run ended."""
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def half_written(folder: Path) -> list[Path]:
    """Return the temporary folders in the results."""
    results = folder / "results"
    return list(results.rglob(".tmp-*")) if results.exists() else []


def differences(folder: Path, expected: Path) -> list[str]:
    """Return the results that are missing, left over, or of other bytes than expected."""
    found, wanted = contents(folder), contents(expected)
    return sorted(name for name in found | wanted if found.get(name) != wanted.get(name))


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files of a run by path, without logs and times."""
    results = folder / "results"
    return {
        str(path.relative_to(results)): path.read_bytes()
        for path in results.rglob("*")
        if path.is_file() and path.relative_to(results).parts[0] not in UNEQUAL
    }


def own_lines(text: str) -> list[str]:
    """Return what the workflow itself says about failures, each line once."""
    lines = re.findall(r"^(?:error: .*|stopped before the end: .*)$", text, re.MULTILINE)
    return list(dict.fromkeys(lines))  # a job has said it, too
