"""Hostile data sets, read as rule prepare_dataset reads them."""

import os
import socket
from pathlib import Path
from typing import Any

from ptq_comparison.datasets.dataset import SPLITS, check_dataset, write_split
from ptq_comparison.datasets.options import DEFAULTS, Options
from ptq_comparison.datasets.readers import read_dataset

from helpers.confined import Outcome, confined

MOST_SECONDS = 1.0
MOST_BYTES = 200_000_000


def prepare(kind: str, path: Path, folder: Path, options: Options = DEFAULTS) -> dict[str, Any]:
    """Do what rule prepare_dataset does; return class names, and the images and digests."""
    dataset = read_dataset(kind, path, options)
    check_dataset(dataset)
    splits = {
        name: write_split(getattr(dataset, name), folder / f"{name}.npy", folder / "labels.npy")
        for name in SPLITS
    }
    return {"class_names": list(dataset.class_names), **splits}


def attack(kind: str, path: Path, folder: Path, options: Options = DEFAULTS) -> Outcome:
    """Prepare a data set in a process of its own; assert that it survives, in time and memory."""
    outcome = confined(prepare, kind, path, folder, options)
    if outcome.seconds >= MOST_SECONDS:  # perhaps another process had the processor
        outcome = confined(prepare, kind, path, folder, options)
    assert outcome.survived, outcome
    assert "\n" not in outcome.text and outcome.text.isprintable(), outcome
    assert outcome.seconds < MOST_SECONDS and outcome.peak_bytes < MOST_BYTES, outcome
    return outcome


def odd_files(folder: Path) -> list[Path]:
    """Make what has a file's name, but is none."""
    os.mkfifo(folder / "fifo")
    (folder / "broken").symlink_to(folder / "nothing")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "link").symlink_to(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        # By a short name: the path of a socket may have 107 letters.
        number = os.open(folder, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{number}/socket")
        os.close(number)
    names = ("fifo", "broken", "loop", "link", "socket")
    return [*(folder / name for name in names), Path("/dev/zero")]
