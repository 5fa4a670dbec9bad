"""comparison.references: float16 and dynamic int8, measured like the others, and no candidates."""

import json

import onnx
import pandas as pd
import pytest
import yaml
from helpers import REPOSITORY, make_network, overlay, run_snakemake
from helpers.shared_runs import copy_run
from jsonschema import validate

REFERENCES = ("fp16", "dynamic")
MODELS = ["fp32", "int8", "uint8", *REFERENCES]
SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/evaluation.schema.yaml").read_text())


@pytest.fixture(scope="module")
def run(tiny, tiny_run, tmp_path_factory):
    """The finished run of the quantized models, and then one of `all` with references."""
    folder = copy_run(tiny_run, tmp_path_factory.mktemp("references"))
    own = {
        "comparison": {"references": [*REFERENCES]},
        "latency": {"measure": True, "seconds": 0.05, "threads": [1], "batch_sizes": [4]},
    }
    files = (tiny / "config.yaml", overlay(folder / "own.yaml", own))
    result = run_snakemake(folder, "all", configfiles=files)
    assert result.returncode == 0, result.stdout
    for rule in ("quantize", "calibrate", "verify", "explain_loss"):
        assert f"rule {rule}:" not in result.stdout  # of which no result holds a reference
    return folder


def read(folder, name):
    return json.loads((folder / "results" / name).read_text())


@pytest.mark.parametrize("name", REFERENCES)
def test_its_evaluation_follows_the_schema(run, name):
    evaluation = read(run, f"{name}_eval.json")
    validate(evaluation, SCHEMA)
    assert evaluation["accuracy"]["total"] == 151
    assert evaluation["calibration"] is None
    assert evaluation["baseline"]["agreement"] > 0.9
    assert (evaluation["saturation"] is None) == (name == "fp16")
    kinds = evaluation["model"]["operators"]
    assert ("ConvInteger" in kinds) == (name == "dynamic")


def test_it_is_a_row_of_the_table_with_a_speed(run):
    table = pd.read_csv(run / "results/comparison.csv", index_col="model")
    assert list(table.index) == MODELS
    assert table["speedup"].notna().all()
    latency = read(run, "latency.json")["measurements"]
    assert [row["model"] for row in latency] == MODELS


def test_the_page_says_what_it_is_and_the_verdict_is_on_another(run):
    for name in ("comparison.md", "comparison.html"):
        text = (run / "results" / name).read_text()
        assert "fp16 is a reference" in text and "dynamic is a reference" in text
        assert "onnxruntime runs 1 with int8 weights on this CPU" in text
    assert (run / "results/verdict.txt").read_text().startswith(("Ship int8: ", "Ship uint8: "))
    assert not any("fp16" in json.dumps(row) for row in read(run, "verification.json"))


def test_one_is_made_without_the_key(tiny, tiny_run, tmp_path):
    folder = copy_run(tiny_run, tmp_path / "run")
    files = (tiny / "config.yaml",)
    result = run_snakemake(folder, "results/dynamic_eval.json", configfiles=files)
    assert result.returncode == 0, result.stdout
    assert read(folder, "dynamic_eval.json")["model"]["name"] == "dynamic"
    assert not (folder / "results/models/fp16.onnx").exists()


def test_a_failure_is_one_line_with_the_remedy(tiny, tiny_run, tmp_path):
    """Here a model that has no weights: nothing of it can be converted."""
    folder = copy_run(tiny_run, tmp_path / "run")
    onnx.save(
        make_network([("GlobalAveragePool", {}, {}), ("Flatten", {}, {})]),
        folder / "results/models/fp32.onnx",
    )
    files = (tiny / "config.yaml",)
    result = run_snakemake(
        folder,
        "results/models/fp16.onnx",
        configfiles=files,
        options=("--allowed-rules", "make_reference"),
    )
    assert result.returncode != 0
    assert (
        "error: make_reference: comparison.references: fp16: onnxruntime finds nothing in the "
        "model to convert; remove fp16 from comparison.references" in result.stdout
    )
