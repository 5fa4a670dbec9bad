"""References in the comparison: named as such, measured, and no candidates of the verdict."""

import numpy as np
import pytest
from helpers import make_evaluations, make_speeds
from ptq_comparison.config.schemes import REFERENCES
from ptq_comparison.evaluation.results import Saturation
from ptq_comparison.report.comparison import compare
from ptq_comparison.report.comparison_notes import saturation_warnings
from ptq_comparison.report.references import MADE, candidates, reference_notes

LABELS = np.zeros(1000, np.int64)
WRONG = {"fp32": 100, "int8": 140, "uint8": 130, "fp16": 100, "dynamic": 120}
CHECKS = {
    "fp16": {"weight_types": {"float32": 10}},
    "dynamic": {"weight_types": {"float32": 1, "int8": 9}},
}


@pytest.fixture
def evaluations():
    predicted = {name: (np.arange(1000) < count).astype(int) for name, count in WRONG.items()}
    return make_evaluations(predicted, LABELS)


def test_each_reference_is_described():
    assert tuple(MADE) == REFERENCES


def test_the_verdict_leaves_the_best_of_all_out_if_it_is_a_reference(evaluations):
    assert [item["model"]["name"] for item in candidates(evaluations)] == ["fp32", "int8", "uint8"]
    correct = {item["model"]["name"]: item["accuracy"]["correct"] for item in evaluations[1:]}
    assert max(correct, key=correct.get) == "fp16"
    right = {name: np.arange(1000) >= count for name, count in WRONG.items()}
    found = compare(evaluations, right, None, 100.0, 0.01, None, references=CHECKS)
    assert found.verdict.startswith("Ship uint8: ")
    rows = [line.split(",")[0] for line in found.csv.splitlines()]
    assert rows == ["model", *WRONG]
    for text in (found.markdown, found.html):
        assert "fp16 is a reference, which the verdict leaves out" in text
        assert "dynamic is a reference, which the verdict leaves out" in text


def test_notes_tell_what_runs_here_and_what_it_brings(evaluations):
    speeds = make_speeds(tuple(WRONG))
    speeds["fp16"] |= {"speedup": 0.5, "speedup_ci95": [0.45, 0.55]}
    speeds["dynamic"] |= {"speedup": 1.25, "speedup_ci95": [1.2, 1.3]}
    fp16, dynamic = reference_notes(evaluations, speeds, CHECKS)
    assert fp16.endswith(
        " Of its 10 convolutions and matrix products, onnxruntime runs 10 with float32 weights on "
        "this CPU; one that computes in float16 may predict otherwise. It is slower than float32 "
        "on this machine (0.50 times the speed), at 30% of the size: it saves space, not time."
    )
    assert dynamic.endswith(
        " Of its 10 convolutions and matrix products, onnxruntime runs 1 with float32 weights, 9 "
        "with int8 weights on this CPU. It is faster than float32 on this machine (1.25 times the "
        "speed), at 30% of the size."
    )
    evaluations[3]["model"]["bytes"] = 320_001
    (larger, _) = reference_notes(evaluations, speeds, CHECKS)
    assert larger.endswith("at 100% of the size: it saves neither space nor time.")
    speeds["fp16"]["speedup_ci95"] = [0.45, 1.05]
    (unsure, _) = reference_notes(evaluations, speeds, CHECKS)
    assert "It is about as fast as float32" in unsure


def test_without_speed_and_without_products_notes_say_less(evaluations):
    notes = reference_notes(evaluations, {}, {name: {"weight_types": {}} for name in REFERENCES})
    assert [note.split(". ")[-1] for note in notes] == ["It has 30% of the size of float32."] * 2
    assert not any("convolutions" in note for note in notes)


def test_no_option_of_the_workflow_is_named_against_saturation_of_a_reference(evaluations):
    for evaluation in evaluations[1:]:
        evaluation["saturation"] = Saturation(
            checked=True, cannot=None, refused=None, saturating_operators=["MatMulInteger 'a'"],
            changed=0.5, delta_pp=-1.0,
        )  # fmt: skip
    int8, *_, dynamic = saturation_warnings(evaluations, 0.01)
    assert dynamic.endswith("predictions of dynamic (-1.00 pp) on CPU: run it on a CPU with VNNI.")
    assert "set quantization.reduce_range" in int8
