"""Runs of the workflow as a user starts them."""

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from helpers.paths import REPOSITORY

# One list of fonts for all runs, where matplotlib has it; each folder has its own otherwise.
FONTS = {"MPLCONFIGDIR": str(Path.home() / ".cache/matplotlib")}


def snakemake_command(
    folder: Path,
    *targets: str,
    configfiles: tuple[Path, ...] = (),
    options: tuple[str, ...] = (),
    cores: int = 2,
) -> list[str]:
    """Return the command that a user types, with results in `folder`."""
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--directory", str(folder)]
    command += ["--configfile", *map(str, configfiles)] if configfiles else []
    return [*command, *options, "--", *targets]


@functools.cache
def _server() -> subprocess.Popen[str]:
    """Start the process that is forked for each run; it ends with this one, which it reads from."""
    return subprocess.Popen(
        [sys.executable, Path(__file__).with_name("snakemake_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_in(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in a folder to its end.

    `stdout` has what the terminal shows, of both streams, and behind it what Snakemake's log alone
    has, since the terminal is quiet; `stderr` has what the terminal shows.
    """
    server = _server()
    with tempfile.NamedTemporaryFile() as output:
        request = {
            "argv": ["snakemake", *arguments],
            "cwd": str(folder),
            "environment": {**FONTS, **os.environ, **(environment or {})},
            "output": output.name,
        }
        print(json.dumps(request), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        text = Path(output.name).read_text()
    return subprocess.CompletedProcess(arguments, code, _with_log(text), text)


def _with_log(shown: str) -> str:
    """Add the lines that only Snakemake's log has, which it names at the end of a run."""
    path = re.search(r"^Complete log\(s\): (.+)$", shown, re.MULTILINE)
    if path is None or not Path(path[1]).is_file():
        return shown
    known = set(shown.splitlines())
    lines = Path(path[1]).read_text(errors="replace").splitlines()
    return "\n".join([shown, *(line for line in lines if line not in known), ""])


def run_snakemake(
    folder: Path,
    *targets: str,
    repository: Path = REPOSITORY,
    environment: dict[str, str] | None = None,
    **arguments: Any,
) -> subprocess.CompletedProcess[str]:
    """Run the command that a user types, started in the repository, to its end."""
    _, _, _, *options = snakemake_command(folder, *targets, **arguments)
    return run_in(repository, *options, environment=environment)


def overlay(path: Path, content: dict[str, Any]) -> Path:
    """Write a config file that is merged over another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path
