"""A folder that is moved or copied with its results has nothing to do."""

import shutil
import subprocess

import numpy as np
import pytest
import yaml
from helpers import REPOSITORY
from helpers.paths import copy_repository
from helpers.snakemake_runs import run_in
from ptq_comparison.datasets.shapes_generator import CLASS_NAMES, generate

pytestmark = pytest.mark.slow  # a whole run of its own
# The bundled model on a few of its images, all named by paths that move along.
CONFIG = {
    "dataset": {"name": "npz", "path": "data.npz"},
    "calibration": {"samples": 400},
    "latency": {"measure": False},
}
TARGETS = ("all",)


def write_inputs(folder):
    train, train_labels = generate("calibration", 500)
    test, test_labels = generate("test", 200)
    np.savez(
        folder / "data.npz",
        train_images=train,
        train_labels=train_labels,
        test_images=test,
        test_labels=test_labels,
        class_names=np.array(CLASS_NAMES),
    )
    (folder / "my.yaml").write_text(yaml.safe_dump(CONFIG))


def run(folder, *options):
    return run_in(folder, "--cores", "2", "--configfile", "my.yaml", *options, "--", *TARGETS)


def assert_nothing_to_do(folder, *options):
    result = run(folder, "--dry-run", *options)
    assert result.returncode == 0 and "Nothing to be done" in result.stdout, result.stdout


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A clone with the results of a run in it."""
    folder = tmp_path_factory.mktemp("clones") / "one"
    copy_repository(folder)
    write_inputs(folder)
    result = run(folder)
    assert result.returncode == 0, result.stdout
    return folder


def test_a_moved_folder_has_nothing_to_do(finished, tmp_path):
    copy = shutil.copytree(finished, tmp_path / "another depth/and a name with spaces")
    assert_nothing_to_do(copy.rename(tmp_path / "moved"))


@pytest.mark.parametrize("options", ["-a", "-r"])
def test_a_copied_folder_has_nothing_to_do(finished, tmp_path, options):
    """Also one whose files are all new, in any order: Snakemake has the checksums of inputs."""
    subprocess.run(["cp", options, finished, tmp_path / "copy"], check=True)
    samples = tmp_path / "copy/results/calibration/samples.npy"
    assert samples.stat().st_size > 1_000_000  # what Snakemake takes without the profile
    if options == "-r":
        samples.touch()
        for script in (tmp_path / "copy/workflow/scripts").glob("*.py"):
            script.touch()
    assert_nothing_to_do(tmp_path / "copy")


def test_results_that_move_away_from_the_repository(finished, tmp_path):
    """As with --directory: the repository stays, the working folder moves."""
    for name in ("data.npz", "my.yaml", "results", ".snakemake"):
        copy = shutil.copytree if (finished / name).is_dir() else shutil.copy2
        copy(finished / name, tmp_path / name)
    assert_nothing_to_do(tmp_path, "--snakefile", str(finished / "Snakefile"))
    assert_nothing_to_do(tmp_path, "--snakefile", str(REPOSITORY / "Snakefile"))


def test_metadata_hold_no_absolute_path(finished):
    """What Snakemake compares: inputs and parameters of every job."""
    records = [path.read_text() for path in (finished / ".snakemake/metadata").rglob("*")]
    assert len(records) > 20
    assert not [record for record in records if str(finished.parent) in record]
