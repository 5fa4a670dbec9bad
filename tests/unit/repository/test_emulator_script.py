"""tools/emulator.sh where it can do nothing: one line, with the remedy. `make emulator` runs it."""

import hashlib
import os
import shutil
import subprocess
import sys

import pytest
from helpers import REPOSITORY

SCRIPT, LOCK = REPOSITORY / "tools/emulator.sh", REPOSITORY / "requirements-emulator.lock"


def run(folder, **environment):
    return subprocess.run(
        ["/bin/bash", SCRIPT],
        env={**os.environ, "PYTHON": sys.executable, "EMULATOR": str(folder), **environment},
        capture_output=True,
        text=True,
    )


def error_of(result):
    assert result.returncode == 1, result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: emulator: ")
    return line


def test_another_system_is_told(tmp_path):
    (tmp_path / "bin").mkdir()
    for tool in ("dirname", "realpath"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    line = error_of(run(tmp_path / "emulator", PATH=str(tmp_path / "bin")))
    assert "apt-get: not found; the emulator needs Debian 12 or 13" in line


@pytest.mark.skipif(not os.path.exists("/usr/bin/apt-get"), reason="needs apt")
def test_a_python_without_pip_is_told(tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    line = error_of(run(tmp_path / "emulator", PYTHON=str(tmp_path / "python")))
    assert "has no pip; type: make emulator" in line


@pytest.mark.skipif(not os.path.exists("/usr/bin/apt-get"), reason="needs apt")
def test_a_mirror_that_cannot_be_reached_is_told(tmp_path):
    line = error_of(run(tmp_path, EMULATOR_MIRROR="file:///nowhere"))
    assert "apt-get update: E: " in line and "nowhere" in line
    assert not (tmp_path / "aarch64").exists()


@pytest.mark.skipif(not os.path.exists("/usr/bin/apt-get"), reason="needs apt")
def test_what_is_there_of_the_same_versions_stays(tmp_path):
    folder = tmp_path / "aarch64"
    folder.mkdir()
    (folder / "digest").write_text(
        hashlib.sha256(LOCK.read_bytes() + SCRIPT.read_bytes()).hexdigest()
    )
    (folder / "version").write_text("aarch64 Python 3.13\n")
    result = run(tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{folder}: is there: aarch64 Python 3.13\n"
