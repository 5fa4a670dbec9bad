"""The model card: huggingface_hub reads its header, and names of users do not break it."""

import numpy as np
import pandas as pd
import pytest
from helpers import make_evaluations
from huggingface_hub import ModelCard
from ptq_comparison.report.model_card import model_card

CHECK = {
    "images": 60,
    "worst": {"error_steps": 0.5, "allowed_steps": 0.5001},
    "kept_in_float": {},
}
NOT_CHECKED = {
    "checked": False,
    "cannot": None,
    "refused": None,
    "saturating_operators": [],
    "changed": 0.0,
    "delta_pp": 0.0,
}
CONTENT = {
    "recipe": "u8s8_99.9",
    "summary": "Recommended: u8s8_99.9 keeps 99.9 %.",
    "words": "unsigned activations",
    "reason": "Of 3 recipes, it agrees best.",
    "warning": None,
    "model": {"path": "results/models/recommended.onnx", "bytes": 100, "opset": 13, "sha256": "0"},
    "test": {"delta_pp": -0.1, "delta_ci95_pp": [-0.2, 0.1], "mcnemar_p": 0.5},
    "python": "print(1)\n",
    "quantize_static": None,
    "pinned": {"file": "a.yaml", "yaml": "a: 1\n", "model": "a", "notes": [], "left_out": []},
}
TABLE = pd.DataFrame({"model": ["fp32", "recommended"], "top-1": ["90 %", "89 %"]})


@pytest.fixture
def evaluation():
    labels = np.arange(90) % 3
    wrong = np.where(np.arange(90) < 6, (labels + 1) % 3, labels)
    found = make_evaluations({"fp32": labels, "recommended": wrong}, labels)[1]
    found["dataset"] |= {"split": "test", "sha256": "3" * 64}
    found["saturation"] = {**NOT_CHECKED, "cannot": "it cannot"}
    found["calibration"] = {
        "method": "MinMax",
        "images": 512,
        "per_class": 52,
        "seed": 42,
        "provenance": {
            "versions": {"onnxruntime": "1.2"},
            "model_sha256": "1" * 64,
            "samples_sha256": "2" * 64,
        },
    }
    return found


def load(content, evaluation, folder, table=TABLE):
    path = folder / "README.md"
    path.write_text(model_card(content, evaluation, table, CHECK), encoding="utf-8")
    return ModelCard.load(path)


def test_the_header_holds_the_results(evaluation, tmp_path):
    card = load(CONTENT, evaluation, tmp_path)
    assert card.data.model_name == "u8s8_99.9"
    assert (card.data.library_name, card.data.pipeline_tag) == ("onnx", "image-classification")
    assert "license" not in card.data.to_dict()
    results = {result.metric_name: result for result in card.data.eval_results}
    assert results["Top-1 accuracy"].metric_value == evaluation["accuracy"]["top1"]
    assert results["Agreement with float32"].metric_value == evaluation["baseline"]["agreement"]
    for result in card.data.eval_results:
        assert result.task_type == "image-classification"
        assert result.dataset_name == evaluation["dataset"]["name"]
        assert result.dataset_split == "test"


def test_the_text_has_all_sections(evaluation, tmp_path):
    text = load(CONTENT, evaluation, tmp_path).text
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "Results", "Intended CPUs", "Calibration", "Checks", "Limits", "Use it", "Make it again",
        "Made with",
    ]  # fmt: skip
    assert "512 images of the training split" in text and "seed 42" in text


def test_two_classes_have_metrics_of_their_own(evaluation, tmp_path):
    evaluation["two_classes"] = {
        "positive": "yes", "precision": 0.5, "recall": None, "f1": 0.25, "auc": 0.75,
    }  # fmt: skip
    kinds = {
        result.metric_type: result.metric_value
        for result in load(CONTENT, evaluation, tmp_path).data.eval_results
    }
    assert kinds["roc_auc"] == 0.75 and kinds["f1"] == 0.25 and "recall" not in kinds


@pytest.mark.parametrize("name", ["a: b #c", "--- | <b>`x`</b> [l](u)", "'\"", "é\u2028", "- yes"])
def test_odd_names_break_neither_header_nor_text(evaluation, tmp_path, name):
    evaluation["dataset"] |= {"name": name, "description": f"photos {name}"}
    content = {**CONTENT, "words": f"node {name} in float32"}
    card = load(content, evaluation, tmp_path)
    assert {result.dataset_name for result in card.data.eval_results} == {name}
    assert "<b>" not in card.text.replace("\\<b>", "")
    assert card.text.count("\n## ") == 8


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (
            {"saturating_operators": ["Conv 'a'"], "cannot": "this CPU"},
            "x86-64 with VNNI, and ARM.",
        ),
        ({"saturating_operators": [], "cannot": "the weights"}, "with VNNI or without, and ARM"),
        (
            {"saturating_operators": ["Conv"], "checked": True, "changed": 0.02, "delta_pp": -1.5},
            "saturation changes 2.00% of the predictions (-1.50 pp)",
        ),
    ],
)
def test_the_intended_cpus_follow_from_saturation(evaluation, tmp_path, changes, part):
    evaluation["saturation"] = {**NOT_CHECKED, **changes}
    assert part in load(CONTENT, evaluation, tmp_path).text
