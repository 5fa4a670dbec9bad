"""Folders that are filled once, however many workers of pytest-xdist look into them."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that `make` has filled; the first worker makes it and the others wait.

    It is in the folder that SHARED_RUNS names, if set, which the next pytest may find it in.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each has a folder of its own below the common one
        root = root.parent
    root = Path(os.environ.get("SHARED_RUNS", root))
    folder, done = root / name, root / f"{name}.done"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def copy_run(finished: Path, folder: Path) -> Path:
    """Copy a finished run, so that a test can go on with it; arrays are linked."""

    def copy(source: str, target: str) -> None:
        if source.endswith(".npy"):  # no rule writes into one that is there
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    shutil.copytree(finished, folder, copy_function=copy, dirs_exist_ok=True)
    return folder
