"""Runs that are killed or stopped, at many moments: nothing is lost, nothing is left."""

import os
import random
import shutil
import signal
import time

import pytest
from helpers import run_snakemake
from helpers.faulty_runs import (
    differences,
    half_written,
    jobs,
    output,
    own_lines,
    start,
    wait_for,
)

KINDS = (
    "all processes",
    "Snakemake alone",
    "a job",
    "the fork of a job",
    "while a file is written",
)


def kill(kind, process, folder, moment):
    """Kill a run with SIGKILL at some moment; tell whether it was still running."""
    time.sleep(0.2)
    if kind == "while a file is written":
        if not wait_for(lambda: half_written(folder), process):
            return False
        os.killpg(process.pid, signal.SIGKILL)
    elif kind in ("all processes", "Snakemake alone"):
        wait_for(lambda: jobs(folder), process)
        time.sleep(moment)
        if process.poll() is not None:
            return False
        (os.killpg if kind == "all processes" else os.kill)(process.pid, signal.SIGKILL)
    else:
        which = 0 if kind == "a job" else -1
        if not wait_for(lambda: len(jobs(folder)) > 1, process):
            return False
        time.sleep(moment / 4)
        running = jobs(folder)
        if not running:
            return False
        try:
            os.kill(running[which], signal.SIGKILL)
        except ProcessLookupError:
            return False
    process.wait()
    return True


def unlock(folder, config):
    result = run_snakemake(folder, configfiles=(config,), options=("--unlock",))
    assert result.returncode == 0, result.stdout


def kill_often(kinds, tiny, tiny_run, folder, seed):
    """Kill runs in one folder, each of which goes on with what the last one left."""
    generator, config, killed = random.Random(seed), tiny / "config.yaml", 0
    for kind in kinds:
        for _ in range(5):  # a run may end before its time comes
            process = start(folder, "all", configfiles=(config,))
            if kill(kind, process, folder, generator.uniform(0, 1.5)):
                killed += 1
                break
            process.wait()
            shutil.rmtree(folder / "results")
        if process.returncode > 0:
            # Of a job that was about to end, Snakemake may not have noticed anything.
            assert all("died of SIGKILL" in line for line in own_lines(output(folder)))
        unlock(folder, config)
    result = run_snakemake(folder, "all", configfiles=(config,))
    assert result.returncode == 0, result.stdout
    while jobs(folder):  # of a Snakemake that was killed
        time.sleep(0.05)
    assert differences(folder, tiny_run) == []
    assert half_written(folder) == []
    return killed


@pytest.fixture
def no_temporary(tmp_path, monkeypatch):
    """A system folder for temporary files that must be as empty as before, but for Snakemake's."""
    folder = tmp_path / "system"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    # Snakemake's own: an empty folder, and files of its solver.
    left = [path.name for path in folder.iterdir() if not path.name.startswith("snakemake")]
    assert [name for name in left if not name.endswith((".mps", ".lp", ".sol", ".mst"))] == []


def test_a_killed_run_goes_on(tiny, tiny_run, tmp_path, tally, no_temporary):
    kinds = ("the fork of a job", "while a file is written")
    (tmp_path / "run").mkdir()
    killed = kill_often(kinds, tiny, tiny_run, tmp_path / "run", seed=0)
    tally("SIGKILL, then the same command", killed, killed)


@pytest.mark.soak
def test_fifty_kills(tiny, tiny_run, tmp_path, tally, no_temporary):
    kinds = [KINDS[n % len(KINDS)] for n in range(50)]
    random.Random(1).shuffle(kinds)
    (tmp_path / "run").mkdir()
    killed = kill_often(kinds, tiny, tiny_run, tmp_path / "run", seed=1)
    tally("SIGKILL, then the same command", killed, killed)
    assert killed == 50


def test_a_killed_job_closes_the_run_with_its_line(tiny, tmp_path):
    """Of either process of a job, and its empty log is no answer."""
    folder = tmp_path / "run"
    folder.mkdir()
    for which in (0, -1):
        process = start(folder, "results/dataset/dataset.json", configfiles=(tiny / "config.yaml",))
        assert wait_for(lambda: len(jobs(folder)) > 1, process)
        os.kill(jobs(folder)[which], signal.SIGKILL)
        assert process.wait() == 1
        (line,) = own_lines(output(folder))
        assert line.startswith("error: prepare_dataset: died of SIGKILL")
        assert "memory ran out" in line and line.endswith("(log: results/logs/prepare_dataset.log)")


def stop(number, group, tiny, tiny_run, tmp_path):
    """Stop a run with a signal, and go on with the same command."""
    folder, config = tmp_path / "run", tiny / "config.yaml"
    folder.mkdir()
    process = start(folder, "all", configfiles=(config,))
    assert wait_for(lambda: len(jobs(folder)) > 1, process)
    (os.killpg if group else os.kill)(process.pid, number)
    assert process.wait(60) == 1
    assert own_lines(output(folder)) == [
        "stopped before the end: what is finished is kept; to go on, type the same command"
    ]
    assert half_written(folder) == [] and jobs(folder) == []
    result = run_snakemake(folder, "all", configfiles=(config,))  # without unlocking
    assert result.returncode == 0, result.stdout
    assert differences(folder, tiny_run) == []


def test_ctrl_c_says_what_to_type_next(tiny, tiny_run, tmp_path, tally):
    stop(signal.SIGINT, True, tiny, tiny_run, tmp_path)
    tally("SIGINT, SIGTERM or SIGHUP, then the same command", 1, 1)


@pytest.mark.soak
@pytest.mark.parametrize("group", [True, False])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_that_ask_for_the_end(number, group, tiny, tiny_run, tmp_path, tally):
    stop(number, group, tiny, tiny_run, tmp_path)
    tally("SIGINT, SIGTERM or SIGHUP, then the same command", 1, 1)


@pytest.mark.soak
def test_two_runs_at_once(tiny, tiny_run, tmp_path, tally):
    """The second one is refused, and the first one does not notice."""
    folder, config = tmp_path / "run", tiny / "config.yaml"
    folder.mkdir()
    process = start(folder, "all", configfiles=(config,))
    assert wait_for(lambda: jobs(folder), process)
    second = run_snakemake(folder, "all", configfiles=(config,))
    assert second.returncode == 1 and "cannot be locked" in second.stdout
    assert process.wait() == 0, output(folder)
    assert differences(folder, tiny_run) == []
    tally("two runs at once", 1, 1)
