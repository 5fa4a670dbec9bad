"""Data and models from a bucket, and results in one, with a local S3 server."""

import os
import subprocess

import numpy as np
import pytest
from helpers import REPOSITORY, overlay, run_snakemake
from helpers.object_store import CLUSTER_PYTHON, object_store
from PIL import Image

needs_plugin = pytest.mark.skipif(
    not CLUSTER_PYTHON.exists(), reason="no .venv-cluster; type: make cluster"
)
SETTINGS = {
    "dataset": {"name": "npz", "path": "s3://data/data.npz"},
    "model": {"source": "s3://data/model.onnx"},
}


@pytest.fixture(scope="module")
def store():
    with object_store() as store:
        yield store


def run(store, folder, *arguments):
    command = [CLUSTER_PYTHON, "-m", "snakemake", "--cores", "2", "--directory", folder, *arguments]
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **store.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def results(folder, prefix=""):
    """Return tables, models and predictions, with the paths of a run without storage."""
    root = folder / "results"
    paths = [*root.glob("*_eval.json"), *root.glob("*.csv"), *root.rglob("*.npz")]
    paths += [*root.rglob("*.onnx"), *root.rglob("samples.npy")]
    return {
        str(path.relative_to(root)): path.read_bytes().replace(prefix.encode(), b"")
        for path in paths
    }


@pytest.mark.slow
@needs_plugin
def test_a_run_without_a_shared_file_system_makes_the_same_files(store, tiny, tiny_run, tmp_path):
    store.upload(tiny, "data")
    config = overlay(tmp_path / "bucket.yaml", SETTINGS)
    storage = ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://results/first"]
    files = ["--configfile", tiny / "config.yaml", config]
    result = run(store, tmp_path, *storage, "--shared-fs-usage", "none", *files, "--", "all")
    assert result.returncode == 0, result.stdout
    assert not (tmp_path / "results").exists()
    store.download("results", tmp_path / "bucket")
    found = results(tmp_path / "bucket/first", prefix=".snakemake/storage/s3/results/first/")
    expected = results(tiny_run)
    assert len(expected) > 10
    assert [name for name in expected | found if expected.get(name) != found.get(name)] == []

    again = run(store, tmp_path, *storage, "--shared-fs-usage", "none", *files, "--", "all")
    assert "Nothing to be done" in again.stdout, again.stdout


@pytest.mark.slow
@needs_plugin
def test_a_folder_of_images_comes_from_a_bucket(store, tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "photos/set" / split / name
            folder.mkdir(parents=True)
            for number in range(3):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    store.upload(tmp_path / "photos", "photos")
    arrays = []
    for name, path in (("bucket", "s3://photos/set"), ("local", str(tmp_path / "photos/set"))):
        config = overlay(
            tmp_path / f"{name}.yaml", {"dataset": {"name": "image_folder", "path": path}}
        )
        target = "results/dataset/test_images.npy"
        result = run(store, tmp_path / name, "--configfile", config, "--", target)
        assert result.returncode == 0, result.stdout
        arrays.append((tmp_path / name / target).read_bytes())
    assert arrays[0] == arrays[1]


@pytest.mark.parametrize("path", ["s3://b/a?b.npz", "s3://b/{a}.npz", "s3://b", "s3://b/"])
def test_an_address_that_names_no_object_is_refused(tmp_path, path):
    config = overlay(tmp_path / "c.yaml", {"dataset": {"name": "npz", "path": path}})
    result = run_snakemake(tmp_path, "all", configfiles=(config,))
    assert result.returncode == 1
    assert f"error: config: dataset.path: {path} is no address" in result.stdout, result.stdout


def test_a_bucket_without_the_plugin_is_one_line(tmp_path):
    config = overlay(tmp_path / "c.yaml", SETTINGS)
    result = run_snakemake(tmp_path, "all", configfiles=(config,))
    assert result.returncode == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("error:")]
    assert "Snakemake has no plugin for S3 here; type: make cluster" in line
