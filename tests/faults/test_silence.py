"""A run asks no other machine, and writes nowhere but into its own folders."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import REPOSITORY, snakemake_command

NO_NETWORK = ["unshare", "--map-root-user", "--net"]  # no interface that is up, not even loopback
CALLS = "connect,sendto,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlinkat"
# What the kernel and Python keep: devices, and the bytecode beside the modules.
KEPT = re.compile(r"^/dev/|^/proc/|/__pycache__(/|$)")
CREATED = re.compile(r'(?:openat\(\S+ "([^"]+)", \S*O_CREAT|(?:mkdir|creat)\w*\([^"]*"([^"]+)")')

pytestmark = pytest.mark.skipif(
    not (shutil.which("strace") and shutil.which("unshare"))
    or subprocess.run([*NO_NETWORK, "true"], capture_output=True).returncode != 0,
    reason="needs Linux with strace and user namespaces",
)


@pytest.fixture
def traced(tmp_path):
    """Return a function that runs a command, and returns look-ups and what was created where."""

    def run(*command: str) -> tuple[list[str], list[str]]:
        for name in ("home", "tmp", "work"):
            (tmp_path / name).mkdir()
        trace = tmp_path / "trace"
        strace = [
            "strace",
            "-f",
            "--seccomp-bpf",
            "-qq",
            "-y",
            "-s",
            "4096",
            "-e",
            f"trace={CALLS}",
        ]
        result = subprocess.run(
            [*NO_NETWORK, *strace, "-o", str(trace), *command],
            cwd=REPOSITORY,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path / "home"),
                "TMPDIR": str(tmp_path / "tmp"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert result.returncode == 0, result.stdout
        lines = trace.read_text(errors="replace").splitlines()
        asked = [line for line in lines if re.search(r"AF_INET|AF_PACKET", line)]
        return asked, [name for line in lines for name in created(line, tmp_path / "work")]

    return run


def created(line: str, work: Path) -> list[str]:
    """Return the absolute path that a line of the trace creates, if it does."""
    match = CREATED.search(line)
    if not match or "ENOENT" in line or "EEXIST" in line:
        return []
    folder = re.search(r"\(AT_FDCWD<([^>]+)>|\(\d+<([^>]+)>", line)
    base = next(filter(None, folder.groups())) if folder else str(work)
    return [str(Path(base) / next(filter(None, match.groups())))]


def outside(paths: list[str], *folders: Path) -> list[str]:
    """Return the paths that are in none of the folders."""
    return [
        path
        for path in dict.fromkeys(paths)
        if not KEPT.search(path) and not any(Path(path).is_relative_to(f) for f in folders)
    ]


def test_a_job_is_silent(traced, tiny, tmp_path, tally):
    """The first one that imports onnxruntime."""
    check(traced, tmp_path, tally, ("results/models/fp32.onnx",), (tiny / "config.yaml",))


@pytest.mark.soak
def test_the_default_run_is_silent(traced, tmp_path, tally):
    check(traced, tmp_path, tally, ("all",), ())


def check(traced, tmp_path, tally, targets, configfiles):
    work, home, temporary = (tmp_path / name for name in ("work", "home", "tmp"))
    asked, paths = traced(*snakemake_command(work, *targets, configfiles=configfiles))
    allowed = (work / "results", work / ".snakemake", home / ".cache/snakemake")
    # Snakemake has a temporary folder and its solver's files, which are gone at the end.
    written = outside(paths, *allowed, temporary)
    written = [path for path in written if Path(path) != home / ".cache"]  # what is in it counts
    left = [path for path in [*temporary.iterdir(), *work.iterdir()] if path not in allowed]
    silent = not asked and not written and not left
    tally("run without a network: look-ups and files elsewhere", 1, int(silent))
    assert paths and silent, [*asked, *written, *left]


def test_a_program_that_asks_is_noticed(traced, tmp_path):
    """The test can fail: a look-up, and a file in the home folder."""
    program = (
        "import pathlib, socket; pathlib.Path.home().joinpath('.device').write_text('1')\n"
        "try: socket.getaddrinfo('example.org', 443)\n"
        "except OSError: pass"
    )
    asked, paths = traced(sys.executable, "-c", program)
    assert asked and outside(paths, tmp_path / "work") == [str(tmp_path / "home/.device")]
