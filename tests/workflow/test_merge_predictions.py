"""Shards: the files of a run with several are those of a run with one, byte by byte."""

import shutil

import pytest
from helpers import overlay, run_snakemake
from helpers.shared_runs import copy_run

MODELS = ("fp32", "int8")
FILES = [
    *(f"predictions/{model}.{suffix}" for model in MODELS for suffix in ("npz", "json")),
    *(f"{model}_eval.json" for model in MODELS),
    "comparison.csv",
]


def run(tiny, folder, shards, *options):
    extra = {
        "evaluation": {"batch_size": 40, "shards": shards},  # 4 batches
        "quantization": {"dtypes": ["int8"]},
    }
    files = (tiny / "config.yaml", overlay(folder / "extra.yaml", extra))
    result = run_snakemake(folder, "results/comparison.csv", configfiles=files, options=options)
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def unsharded(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unsharded")
    output = run(tiny, folder, 1)
    assert "predict_shard" not in output and "merge_predictions" not in output
    return folder


@pytest.mark.parametrize(
    ("shards", "options", "jobs"),
    [(3, (), 3), (1, ("--set-scatter", "predict=2"), 2), (5, (), 5)],
    ids=["key", "option", "more than batches"],
)
def test_shards_make_the_same_bytes(tiny, unsharded, tmp_path, shards, options, jobs):
    # What comes before the predictions is there.
    copy_run(unsharded, tmp_path)
    shutil.rmtree(tmp_path / "results/predictions")
    for file in FILES:
        (tmp_path / "results" / file).unlink(missing_ok=True)
    output = run(tiny, tmp_path, shards, *options)
    for file in FILES:
        made, expected = (folder / "results" / file for folder in (tmp_path, unsharded))
        assert made.read_bytes() == expected.read_bytes(), file
    assert output.count("rule predict_shard:") == jobs * len(MODELS)
    assert output.count("rule merge_predictions:") == len(MODELS)
    assert "rule predict:" not in output
    # What shards have written is needed no more.
    assert not (tmp_path / "results/shards").exists()
    left = {path.name for path in (tmp_path / "results/predictions").rglob("*.*")}
    assert left == {f"{model}.{suffix}" for model in MODELS for suffix in ("npz", "json")}
