"""A virtual environment for each peer, and programs that run in it."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.real_data import REPOSITORY

HERE = Path(__file__).parent
# What would otherwise look a host up, or take a GPU's path.
SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "NNCF_CI": "1",  # no telemetry
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "CUDA_VISIBLE_DEVICES": "",
    # On a busy machine, threads of torch wait for each other: six times as long.
    "OMP_NUM_THREADS": "1",
}
LONGEST_S = 3600  # of one program


class PeerError(Exception):
    """Why a peer has no row of figures, in one line."""


def make_environment(folder: Path, peer: str) -> Path:
    """Return the Python of the environment `folder`/`peer`, which is made if it is not complete.

    Raises PeerError when pip cannot install what `requirements-<peer>.txt` says.
    """
    python = folder / peer / "bin/python"
    wanted = (HERE / f"requirements-{peer}.txt").read_text()
    complete = folder / peer / "installed.txt"
    if not complete.is_file() or complete.read_text() != wanted:
        _run([sys.executable, "-m", "venv", "--clear", str(folder / peer)])
        pip = [str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        _run([*pip, "--requirement", str(HERE / f"requirements-{peer}.txt")])
        complete.write_text(wanted)
    return python


def run_inside(python: Path, peer: str, command: str, folder: Path) -> None:
    """Run a command of the module of a peer; its output goes to `folder`/<command>.log."""
    folder.mkdir(parents=True, exist_ok=True)
    # -P: the module has the name of the package that it uses, and must not hide it.
    program = [str(python), "-P", "-m", f"benchmarks.peers.{peer}", command, str(folder)]
    _run(program, folder, folder / f"{command}.log")


def _run(program: list[str], folder: Path | None = None, log: Path | None = None) -> None:
    environment = {**os.environ, **SETTINGS, "PYTHONPATH": str(REPOSITORY)}
    try:
        result = subprocess.run(
            program,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_S,
        )
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"not done after {LONGEST_S} s") from error
    if log:
        log.write_text(result.stdout)
    if result.returncode:
        lines = [line for line in result.stdout.splitlines() if line.strip()]
        raise PeerError(" ".join(lines[-1].split())[:300] if lines else f"code {result.returncode}")
