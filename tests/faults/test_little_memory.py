"""A run with too little memory: the job is killed and not Snakemake, and the line says so."""

import contextlib
import os
import time
from pathlib import Path

import pytest
from helpers import overlay
from helpers.faulty_runs import half_written, output, own_lines, start

# Where Linux keeps groups of processes, and the file of their limit: version 1, and 2.
GROUPS = (
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max"),
)


@pytest.fixture
def group():
    """A group of processes that share 450 MB."""
    for root, limit in GROUPS:
        folder = root / f"ptq-test-{os.getpid()}"
        try:
            folder.mkdir()
            (folder / limit).write_text(str(450 << 20))
        except OSError:  # no root, or not this version
            with contextlib.suppress(OSError):
                folder.rmdir()
            continue
        yield folder
        while (folder / "cgroup.procs").read_text():
            time.sleep(0.05)
        folder.rmdir()
        return
    pytest.skip("needs root, and a control group for memory")


@pytest.mark.soak
def test_a_job_that_is_killed_for_memory_says_what_helps(group, tmp_path, tally):
    """And it does help: the same command with less of it, without unlocking."""
    folder, target = tmp_path / "run", "results/predictions/fp32.npz"
    folder.mkdir()

    def join():
        (group / "cgroup.procs").write_text(str(os.getpid()))

    for size in (10_000, 100):
        config = overlay(tmp_path / f"{size}.yaml", {"evaluation": {"batch_size": size}})
        process = start(folder, target, configfiles=(config,), limit=join)
        text = output(folder) if process.wait() else ""
        assert process.returncode == (1 if size == 10_000 else 0), text
        if text:
            (line,) = own_lines(text)
            assert line.startswith("error: predict: died of SIGKILL, and held ")
            assert "memory ran out: lower evaluation.batch_size, or run fewer jobs" in line
        assert half_written(folder) == []
    tally("a job killed for memory, then the remedy of its line", 1, 1)
