"""What runs again after edited code and changed keys."""

import pytest
from helpers import (
    REPOSITORY,
    overlay,
    run_snakemake,
)
from helpers.paths import copy_repository
from helpers.shared_runs import copy_run


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the repository that tests may edit."""
    folder = tmp_path_factory.mktemp("checkout") / "repository"
    copy_repository(folder)
    return folder


def reruns(folder, tiny, repository):
    """Return the rules that Snakemake would run again."""
    result = run_snakemake(
        folder,
        "all",
        configfiles=(tiny / "config.yaml",),
        options=("--dry-run",),
        repository=repository,
    )
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    return {
        line.split()[1].rstrip(":") for line in lines if line.startswith(("rule ", "localrule "))
    }


def test_an_edited_module_reruns_the_rules_that_use_it(tiny, tiny_run, tmp_path, checkout):
    copy_run(tiny_run, tmp_path)
    package = checkout / "workflow/scripts/ptq_comparison"

    (package / "evaluation/metrics.py").touch()
    assert reruns(tmp_path, tiny, checkout) == set()
    edit(package / "evaluation/metrics.py")
    assert reruns(tmp_path, tiny, checkout) == {
        *("evaluate", "explain_loss", "compare", "verify", "report_verification"),
        *("plot_figures", "all"),
    }
    edit(package / "datasets/sampling.py")
    assert reruns(tmp_path, tiny, checkout) >= {"sample_calibration", "calibrate", "quantize"}
    edit(package / "inference/preprocessing.py")
    assert reruns(tmp_path, tiny, checkout) >= {"calibrate", "predict"}
    assert "prepare_dataset" not in reruns(tmp_path, tiny, checkout)


def test_a_run_notes_no_path_of_the_repository(tiny_run):
    """Among inputs or parameters it would make everything run again after a move."""
    records = [path.read_text() for path in (tiny_run / ".snakemake/metadata").rglob("*")]
    assert len(records) > 20
    assert not [record for record in records if str(REPOSITORY) in record]


def edit(path):
    path.write_text(path.read_text() + "\nEDITED = True\n")


def test_a_changed_key_reruns_what_depends_on_it(tiny, tiny_run, tmp_path):
    seed = overlay(tmp_path / "seed.yaml", {"calibration": {"seed": 43}})
    result = run_snakemake(
        tiny_run, "all", configfiles=(tiny / "config.yaml", seed), options=("--dry-run",)
    )
    assert "rule sample_calibration" in result.stdout and "rule calibrate" in result.stdout
    assert "rule prepare_dataset" not in result.stdout and "rule prepare_model" not in result.stdout
