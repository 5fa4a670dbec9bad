"""Runs of the workflow as a user starts them."""

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from helpers.paths import REPOSITORY


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
    """Run Snakemake in a folder to its end; both output streams come back in `stdout`."""
    server = _server()
    with tempfile.NamedTemporaryFile() as output:
        request = {
            "argv": ["snakemake", *arguments],
            "cwd": str(folder),
            "environment": {**os.environ, **(environment or {})},
            "output": output.name,
        }
        print(json.dumps(request), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        text = Path(output.name).read_text()
    return subprocess.CompletedProcess(arguments, code, text)


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
