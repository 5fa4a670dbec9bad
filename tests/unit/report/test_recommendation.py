"""The recommendation: figures of the chosen recipe on validation and test images, in words."""

import html

import numpy as np
import pandas as pd
import pytest
from helpers import score_metrics
from helpers.sweeps import FREE, make_table
from ptq_comparison.config.pinned import Pinned
from ptq_comparison.evaluation.metrics import accuracy, paired_comparison, wilson_interval
from ptq_comparison.report.code_sections import Use, code_markdown
from ptq_comparison.report.recommendation import (
    front_table,
    recommend,
    recommendation,
    to_markdown,
)
from ptq_comparison.search.selection_summary import describe_selection

LABELS = np.arange(500) % 5
FP32 = np.where(LABELS + np.arange(500) % 7 == 0, 1, LABELS)
OWN = np.where(np.arange(500) < 3, (LABELS + 1) % 5, FP32)


SATURATION = {
    "checked": True,
    "cannot": None,
    "refused": None,
    "saturating_operators": ["Conv 'conv'"],
    "changed": 0.0,
    "delta_pp": 0.0,
}


USE = Use(
    words="batch normalization folded, unsigned activations",
    python="print('<class>')\n",
    quantize_static=None,
    pinned=Pinned("a", {"calibration": {"seed": 1}}, [], []),
    pinned_yaml="calibration:\n  seed: 1\n",
    pinned_file="results/models/recommended.yaml",
)


def make_evaluation(name, predicted, size):
    return {
        "model": {
            "name": name,
            "bytes": size,
            "path": f"results/models/{name}.onnx",
            "sha256": "0" * 64,
            "nodes": 19,
            "opset": 13,
        },
        "accuracy": accuracy(int(np.sum(predicted == LABELS)), 500),
        "baseline": paired_comparison(predicted, FP32, LABELS) if name != "fp32" else None,
        **score_metrics(is_float=name == "fp32"),
        "calibration": {"provenance": {}},
        "saturation": SATURATION,
        "runtime": {},
    }


@pytest.fixture
def content():
    table = make_table(agreement=[0.99, 0.98], speedup=[1.4, 1.5])
    agrees = {"a": np.ones(1000, bool), "b": np.arange(1000) > 80}
    selection = describe_selection(table, 0, np.array([True, True]), agrees, FREE, 1)
    speeds = {
        "recommended": {
            "speedup": 1.41,
            "speedup_ci95": [1.4, 1.42],
            "threads": 1,
            "batch_size": 1,
        }
    }
    fp32 = make_evaluation("fp32", FP32, 400)
    return recommendation(selection, fp32, make_evaluation("recommended", OWN, 100), speeds, USE)


def test_the_recommendation_is_the_same_in_all_files(content):
    evaluations = [make_evaluation("fp32", FP32, 400)]
    written = recommend(content, evaluations, make_evaluation("recommended", OWN, 100), [], USE)
    assert written.content["recipe"] == "a" and written.content["test"]["speedup"] is None
    for text in (written.markdown, html.unescape(written.html)):
        assert written.content["summary"] in text and written.content["reason"] in text
        assert "On the test images" in text


def test_it_holds_validation_test_front_and_reason(content):
    assert content["recipe"] == "a"
    assert content["validation"]["agreement"] == 0.99
    test = content["test"]
    assert test["correct"] == int(np.sum(OWN == LABELS))
    assert test["agreement"] == np.mean(OWN == FP32)
    assert test["agreement_ci95"] == list(wilson_interval(int(np.sum(OWN == FP32)), 500))
    assert test["delta_pp"] < 0
    assert (test["bytes"], test["size_ratio"], test["speedup"]) == (100, 0.25, 1.41)
    assert [row["recipe"] for row in content["pareto"]] == ["a", "b"]
    assert "All others of these agree less often" in content["reason"]


def test_the_summary_names_the_recipe_and_what_it_gives(content):
    assert content["summary"].startswith("Recommended: a keeps 9")
    assert "at 25 % of the size and 1.41 times the speed" in content["summary"]


def test_a_slower_model_is_called_slower(content):
    speed = {"speedup": 0.8, "speedup_ci95": [0.7, 0.9], "threads": 1, "batch_size": 1}
    models = make_evaluation("fp32", FP32, 400), make_evaluation("recommended", OWN, 100)
    summary = recommendation(content, *models, {"recommended": speed}, USE)["summary"]
    assert summary.endswith(
        "0.80 times the speed on this machine (1 thread, batch 1), slower than float32."
    )
    assert "slower" not in content["summary"]


def test_weights_that_can_saturate_elsewhere_are_told(content, monkeypatch):
    assert "without VNNI" in content["warning"]
    monkeypatch.setitem(SATURATION, "saturating_operators", [])
    evaluation = make_evaluation("recommended", OWN, 100)
    fp32 = make_evaluation("fp32", FP32, 400)
    assert recommendation(content, fp32, evaluation, {}, USE)["warning"] is None


def test_the_page_holds_both_tables(content):
    front = front_table(content["pareto"])
    assert front["speed"].tolist() == ["1.40 (1.36 to 1.44)", "1.50 (1.46 to 1.54)"]
    assert front["difference (95 % interval)"].str.contains(" to ").all()
    page = to_markdown(content, pd.DataFrame({"model": ["recommended"], "top-1": ["90%"]}), front)
    for part in ("summary", "reason", "warning"):
        assert content[part] in page
    assert "| recommended |" in page and "| b " in page


def test_a_speed_that_was_disturbed_is_explained(content):
    row = {"model": "recommended", "threads": 1, "batch_size": 1, "speedup": 1.4}
    latencies = [{"measurements": []}, {"measurements": [row | {"speedup_ci95": [1.0, 1.8]}]}]
    models = [make_evaluation("fp32", FP32, 400)], make_evaluation("recommended", OWN, 100)
    written = recommend(content, *models, latencies, USE)
    for text in (written.markdown, written.html):
        assert "snakemake --forcerun time_recommended recommend." in text.replace("\\", "")


def test_the_file_and_how_to_use_it_stand_in_all_files(content):
    evaluations = [make_evaluation("fp32", FP32, 400)]
    written = recommend(content, evaluations, make_evaluation("recommended", OWN, 100), [], USE)
    assert content["model"]["bytes"] == 100 and content["words"] == USE.words
    for text in (written.markdown, html.unescape(written.html)):
        for part in (
            "results/models/recommended.onnx, 100 bytes, SHA-256 " + "0" * 64,
            USE.words,
            USE.python.strip(),
            USE.pinned_yaml.strip(),
            "--configfile results/models/recommended.yaml",
            "the same file",
            "No call of quantize_static alone",
        ):
            assert part in text
    assert "<class>" not in written.html  # escaped
    assert written.html.rstrip().endswith("</body>\n</html>")


def test_what_cannot_be_pinned_is_told(content):
    pinned = {**content["pinned"], "notes": ["it is called b"], "left_out": ["model.source"]}
    page = code_markdown({**content, "pinned": pinned, "quantize_static": "quantize_static()"})
    assert "which is not the same file: it is called b." in page
    assert "Without model.source, whose address may hold a password" in page
    assert "```python\nquantize_static()\n```" in page and "No call" not in page


def test_a_closing_fence_in_the_code_does_not_close_it(content):
    page = code_markdown({**content, "python": "CLASSES = ['```']\n"})
    assert "````python\nCLASSES = ['```']\n````\n" in page


def test_the_recipe_that_agrees_most_stands_beside_the_fastest_in_all_files():
    table = make_table(agreement=[0.99, 0.988], speedup=[1.4, 1.5])
    agrees = {"a": np.arange(1000) > 9, "b": np.arange(1000) > 11}
    selection = describe_selection(table, 1, np.array([True, True]), agrees, FREE, 1)
    evaluations = [make_evaluation("fp32", FP32, 400)]
    written = recommend(selection, evaluations, make_evaluation("recommended", OWN, 100), [], USE)
    assert written.content["recipe"] == "b" and written.content["best"]["recipe"] == "a"
    for text in (written.markdown, html.unescape(written.html)):
        assert "It agrees on 98.80%, a on 99.00%, at 1.40 times float32." in text
