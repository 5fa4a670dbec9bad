"""Shards: the files of a run with several are those of a run with one, byte by byte."""

import pytest
from helpers import overlay, run_snakemake

MODELS = ("fp32", "int8", "uint8")
FILES = [
    *(f"predictions/{model}.{suffix}" for model in MODELS for suffix in ("npz", "json")),
    *(f"{model}_eval.json" for model in MODELS),
    "comparison.csv",
]


def run(tiny, folder, shards, *options):
    evaluation = {"batch_size": 20, "shards": shards}  # 8 batches
    files = (tiny / "config.yaml", overlay(folder / "extra.yaml", {"evaluation": evaluation}))
    result = run_snakemake(folder, "results/comparison.csv", configfiles=files, options=options)
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def unsharded(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unsharded")
    output = run(tiny, folder, 1)
    assert "predict_shard" not in output and "merge_predictions" not in output
    return folder / "results"


@pytest.mark.parametrize(
    ("shards", "options", "jobs"),
    [(3, (), 3), (1, ("--set-scatter", "predict=2"), 2), (9, (), 9)],
    ids=["key", "option", "more than batches"],
)
def test_shards_make_the_same_bytes(tiny, unsharded, tmp_path, shards, options, jobs):
    output = run(tiny, tmp_path, shards, *options)
    for file in FILES:
        assert (tmp_path / "results" / file).read_bytes() == (unsharded / file).read_bytes(), file
    assert output.count("rule predict_shard:") == jobs * len(MODELS)
    assert output.count("rule merge_predictions:") == len(MODELS)
    assert "rule predict:" not in output
    # What shards have written is needed no more.
    assert not (tmp_path / "results/shards").exists()
    left = {path.name for path in (tmp_path / "results/predictions").rglob("*.*")}
    assert left == {f"{model}.{suffix}" for model in MODELS for suffix in ("npz", "json")}
