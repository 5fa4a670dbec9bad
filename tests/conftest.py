"""Fixtures: the real data, a tiny data set, and one whole run on it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from helpers import (
    CLASSES,
    SHARED_DATA,
    make_classifier,
    make_images,
    recipe_files,
    run_snakemake,
)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no folder {SHARED_DATA}; set SHARED_DATA to real CIFAR-10 data")
    return SHARED_DATA


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.onnx, data.npz and the config.yaml that names both."""
    folder = tmp_path_factory.mktemp("tiny")
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
    return folder


@pytest.fixture(scope="session")
def default_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `all` with the bundled data and model."""
    folder = tmp_path_factory.mktemp("default")
    result = run_snakemake(folder, "all")  # from another folder, with no config in it
    assert result.returncode == 0, result.stdout
    return folder


@pytest.fixture(scope="session")
def tiny_run(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `all`; tests read it and do not change it."""
    folder = tmp_path_factory.mktemp("tiny_run")
    result = run_snakemake(folder, "all", configfiles=(tiny / "config.yaml",))
    assert result.returncode == 0, result.stdout
    (folder / "output.txt").write_text(result.stdout)
    return folder


@pytest.fixture(scope="session")
def recipes_run(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `all recommend sensitivity`, on a model with a bad node."""
    folder = tmp_path_factory.mktemp("recipes_run")
    files = recipe_files(folder, tiny)
    result = run_snakemake(folder, "all", "recommend", "sensitivity", configfiles=files)
    assert result.returncode == 0, result.stdout
    (folder / "output.txt").write_text(result.stdout)
    return folder
