"""Where the repository and real data are."""

import os
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
# Real CIFAR-10 images and published weights, which may not be shipped.
SHARED_DATA = Path(os.environ.get("SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
# What git ignores; some of it is large, or has links that lead nowhere.
NOT_COPIED = (".git", ".venv*", ".emulator", ".snakemake", "results", "__pycache__", ".*_cache")


def copy_repository(folder: Path, *without: str) -> Path:
    """Copy the repository as git has it, and without the names or patterns of `without`."""
    ignore = shutil.ignore_patterns(*NOT_COPIED, *without)
    return Path(shutil.copytree(REPOSITORY, folder, ignore=ignore))
