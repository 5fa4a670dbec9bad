"""Runs of the workflow as a user starts them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from helpers.paths import REPOSITORY


def snakemake_command(
    folder: Path,
    *targets: str,
    configfiles: tuple[Path, ...] = (),
    options: tuple[str, ...] = (),
) -> list[str]:
    """Return the command that a user types, with results in `folder`."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", str(folder)]
    command += ["--configfile", *map(str, configfiles)] if configfiles else []
    return [*command, *options, "--", *targets]


def run_snakemake(
    folder: Path, *targets: str, repository: Path = REPOSITORY, **arguments: Any
) -> subprocess.CompletedProcess[str]:
    """Run that command to its end; both output streams come back in `stdout`."""
    return subprocess.run(
        snakemake_command(folder, *targets, **arguments),
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )


def overlay(path: Path, content: dict[str, Any]) -> Path:
    """Write a config file that is merged over another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path
