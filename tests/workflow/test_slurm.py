"""The profile for SLURM, on a cluster of one node that the test starts."""

import csv
import subprocess
import time
from pathlib import Path

import pytest
from helpers import REPOSITORY, overlay, run_snakemake
from helpers.slurm import reason_against_slurm, slurm

pytestmark = pytest.mark.slow
PYTHON = REPOSITORY / ".venv-cluster/bin/python"
COMPARED = ("dataset", "calibration", "models", "predictions")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    reason = reason_against_slurm() or (None if PYTHON.exists() else f"no {PYTHON}: make cluster")
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    try:
        with slurm(folder):
            yield
    except TimeoutError as error:
        log = folder / "slurmctld.log"
        pytest.skip(
            f"SLURM does not start: {error}; {log.read_text()[-500:] if log.exists() else ''}"
        )


def cluster_command(folder: Path, *targets: str, configfiles: tuple[Path, ...]) -> list[str]:
    """Return what a user types, on a cluster without accounting."""
    options = ["--workflow-profile", "profiles/slurm", "--slurm-no-account"]
    options += ["--directory", str(folder), "--configfile", *map(str, configfiles)]
    return [str(PYTHON), "-m", "snakemake", *options, "--", *targets]


def results(folder: Path) -> dict[str, bytes]:
    """Return the files that do not depend on times, by their names."""
    root = folder / "results"
    paths = [path for name in COMPARED for path in (root / name).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in [*paths, *root.glob("*_eval.json")]
    }


def comparison(folder: Path) -> list[dict[str, str]]:
    """Return the table of all models, without its columns of times."""
    with (folder / "results/comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: row[key] for key in row if not key.startswith("speedup")} for row in rows]


def test_a_cluster_makes_the_files_of_a_local_run(cluster, tiny, tmp_path, record_property):
    one = {"quantization": {"dtypes": ["int8"]}}  # each model is four jobs more
    settings = {
        "evaluation": {"shards": 2, "batch_size": 40},  # 4 batches
        "latency": {"measure": True, "seconds": 0.1, "batch_sizes": [1]},
    }
    config = overlay(tmp_path / "cluster.yaml", {**one, **settings})
    folder = tmp_path / "cluster"
    begin = time.monotonic()
    result = subprocess.run(
        cluster_command(folder, "all", configfiles=(tiny / "config.yaml", config)),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seconds = time.monotonic() - begin
    assert result.returncode == 0, result.stdout
    local = overlay(tmp_path / "local.yaml", one)
    begin = time.monotonic()
    expected = run_snakemake(tmp_path / "local", "all", configfiles=(tiny / "config.yaml", local))
    local_seconds = time.monotonic() - begin
    assert expected.returncode == 0, expected.stdout
    ours, theirs = results(folder), results(tmp_path / "local")
    assert len(theirs) > 15
    assert [
        name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)
    ] == []
    assert comparison(folder) == comparison(tmp_path / "local")
    assert not list(folder.rglob(".tmp-*"))
    submitted = result.stdout.count("has been submitted with SLURM jobid")
    # Two groups, the ones around predictions, a job for each of two shards of two models, and
    # the measurement of times.
    assert submitted == 2 + 4 + 1, result.stdout
    record_property(
        "told", f"SLURM: {submitted} jobs, {seconds:.0f} seconds; local: {local_seconds:.0f}"
    )
