"""Where the benchmarks find real CIFAR-10 images and the published model; how they run commands."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--data`, a folder that holds cifar10-prefix and models."""
    parser.add_argument("--data", type=existing, default="../shared/data")


def existing(value: str) -> Path:
    """Return the absolute path of a folder, relative to the repository; end the program without."""
    path = (REPOSITORY / value).resolve()
    if not path.is_dir():
        sys.exit(f"error: --data: {path}: no such folder; it must hold cifar10-prefix and models")
    return path


def run(command: list[str]) -> float:
    """Run a command from the repository's folder; return its wall-clock seconds."""
    start = time.perf_counter()
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return time.perf_counter() - start
