"""Fixtures: the real data, a tiny data set, and one whole run on it."""

import os
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import of onnxruntime

import numpy as np
import onnx
import pytest
import yaml
from helpers import (
    CLASSES,
    REPOSITORY,
    SHARED_DATA,
    make_classifier,
    make_images,
    recipe_files,
    run_snakemake,
)
from helpers.shared_runs import made_once
from helpers.trial_table import trial_table, write_between_marks


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with runs of the workflow; the many small files fill up the workers at the end."""
    items.sort(key=lambda item: not item.path.is_relative_to(REPOSITORY / "tests/workflow"))


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores: runs of the workflow often wait."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", help="page whose table of trials is replaced by the counts")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have recorded under `told`, and the counts of trials under `tally`."""
    counts: dict[str, list[int]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for key, value in report.user_properties:
                if key == "told":
                    terminalreporter.write_line(value)
                elif key == "tally":
                    trial, tried, survived = value
                    total = counts.setdefault(trial, [0, 0])
                    total[0] += tried
                    total[1] += survived
    lines = trial_table(counts) if counts else []
    for line in lines:
        terminalreporter.write_line(line)
    page = terminalreporter.config.getoption("reliability")
    if page and lines:
        write_between_marks(Path(page), lines)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no folder {SHARED_DATA}; set SHARED_DATA to real CIFAR-10 data")
    return SHARED_DATA


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.onnx, data.npz and the config.yaml that names both."""
    return made_once(tmp_path_factory, "tiny", make_tiny)


def make_tiny(folder: Path) -> None:
    onnx.save(make_classifier(), folder / "model.onnx")
    train_images, train_labels = make_images(90, seed=1)
    test_images, test_labels = make_images(151, seed=2)
    np.savez(
        folder / "data.npz",
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        class_names=np.array(CLASSES),
    )
    config = {
        "dataset": {"name": "npz", "path": str(folder / "data.npz")},
        "model": {"source": str(folder / "model.onnx")},
        "calibration": {"samples_per_class": 10},
        # The results are then the same bytes on every run; test_latency and the default measure it.
        "latency": {"measure": False},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def finish(folder: Path, *targets: str, configfiles: tuple[Path, ...] = ()) -> None:
    """Run to the end, and keep what the user sees."""
    result = run_snakemake(folder, *targets, configfiles=configfiles)
    assert result.returncode == 0, result.stdout
    (folder / "output.txt").write_text(result.stderr)


# Tests read these finished runs and do not change them: what goes on with one makes a copy.


@pytest.fixture(scope="session")
def default_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `all` with the bundled data and model."""
    # From another folder, with no config in it.
    return made_once(tmp_path_factory, "default", lambda folder: finish(folder, "all"))


@pytest.fixture(scope="session")
def tiny_run(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `all` with the tiny data and model."""
    files = (tiny / "config.yaml",)
    return made_once(
        tmp_path_factory, "tiny_run", lambda folder: finish(folder, "all", configfiles=files)
    )


@pytest.fixture(scope="session")
def recipes_run(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `all recommend sensitivity`, on a model with a bad node."""

    def make(folder: Path) -> None:
        targets, files = ("all", "recommend", "sensitivity"), recipe_files(folder, tiny)
        finish(folder, *targets, configfiles=files)

    return made_once(tmp_path_factory, "recipes_run", make)
