"""Virtual environments with other packages than those of the tests."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
PYTHON_3_8 = next(map(str, PYENV.glob("3.8.*/bin/python")), shutil.which("python3.8"))


def make_environment(folder: Path, python: str | None, packages: list[str]) -> str:
    """Return the Python of a new environment; skips the test where it cannot be made."""
    if python is None:
        pytest.skip("needs this version of Python")
    subprocess.run([python, "-m", "venv", folder], check=True)
    own = str(folder / "bin/python")
    command = [own, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *packages]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot install {', '.join(packages)}: {done.stderr.splitlines()[-1]}")
    return own
