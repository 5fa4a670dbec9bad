"""Rule verify: each requirement, expected and measured."""

import json

import numpy as np
import onnx
import pytest
from helpers import make_classifier
from ptq_comparison.common.digests import digests_of
from ptq_comparison.inference.digested_images import DigestedImages
from ptq_comparison.verification.limits import verify_baseline, verify_limits
from ptq_comparison.verification.requirements import (
    verify_calibration,
    verify_disjoint,
    verify_log,
    verify_model,
    verify_operators,
)
from ptq_comparison.verification.summary import (
    count_kinds,
    gate_error,
    summarize,
    table_rows,
    tables_by_kind,
    to_markdown,
)

ACCEPTANCE = {
    "max_drop_pp": 3.0,
    "min_top1": 0.8,
    "min_agreement": None,
    "min_size_reduction": 0.5,
    "by": "point",
}
KEYS = {"id", "kind", "requirement", "expected", "measured", "passed", "skipped", "evidence"}
SATURATION = {
    "checked": True,
    "cannot": None,
    "refused": None,
    "saturating_operators": [],
    "changed": 0.0,
    "delta_pp": 0.0,
}


def write(path, model, correct, size, delta, saturation=SATURATION):
    content = {
        "model": {"path": str(model), "bytes": size},
        "accuracy": {"total": 1000, "top1": correct / 1000},
        "baseline": {"delta_pp": delta},
        "saturation": saturation,
    }
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def quantized(tmp_path):
    """A file that loads and has a QuantizeLinear node."""
    model = make_classifier()
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1), "s"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.uint8(0), "z"))
    quantize = onnx.helper.make_node("QuantizeLinear", ["image", "s", "z"], ["q"])
    dequantize = onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"])
    model.graph.node[0].input[0] = "d"
    model.graph.node.insert(0, quantize)
    model.graph.node.insert(1, dequantize)
    onnx.save(model, tmp_path / "int8.onnx")
    return tmp_path / "int8.onnx"


def verify(folder, quantized, correct=880, size=400, delta=-2.0, images=1000, **options):
    fp32 = write(folder / "fp32.json", "fp32.onnx", 900, 1000, None)
    path = write(folder / "int8.json", quantized, correct, size, delta, **options)
    rows = [*verify_model("int8", path, images), *verify_limits("int8", path, fp32, ACCEPTANCE)]
    return {row["id"]: row for row in rows}


def failed(rows):
    return {id for id, row in rows.items() if not row["passed"]}


def test_a_good_model_passes_and_every_row_names_its_evidence(tmp_path, quantized):
    rows = verify(tmp_path, quantized)
    assert failed(rows) == set()
    for row in rows.values():
        assert set(row) == KEYS
        assert set(row["evidence"]) == {"file", "key"}
    assert rows["drop_int8"]["measured"] == -2.0
    assert rows["drop_int8"]["evidence"]["key"] == "baseline.delta_pp"
    assert rows["size_int8"]["expected"] == "<= 500"
    own = {id for id, row in rows.items() if row["kind"] == "your requirement"}
    assert own == {"drop_int8", "top1_int8", "size_int8"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"delta": -3.0}, set()),
        ({"delta": -3.01}, {"drop_int8"}),
        ({"delta": None}, {"delta_int8", "drop_int8"}),
        ({"correct": 799}, {"top1_int8"}),
        ({"size": 501}, {"size_int8"}),
        ({"images": 1001}, {"test_split_int8"}),
        ({"saturation": {**SATURATION, "checked": False, "refused": "no kernel"}}, set()),
        ({"saturation": {**SATURATION, "checked": False, "cannot": "VNNI"}}, set()),
        ({"saturation": {**SATURATION, "checked": False}}, {"saturation_int8"}),
    ],
)
def test_a_limit_that_is_passed_fails_its_row_alone(tmp_path, quantized, change, expected):
    assert failed(verify(tmp_path, quantized, **change)) == expected


def test_models_that_do_not_load_or_are_float_fail(tmp_path, quantized):
    onnx.save(make_classifier(), tmp_path / "float.onnx")
    rows = verify(tmp_path, tmp_path / "float.onnx")
    assert rows["model_int8"]["measured"] == "loads, but is not quantized"
    quantized.write_bytes(quantized.read_bytes()[:200])
    rows = verify(tmp_path, quantized)
    assert failed(rows) == {"model_int8"} and "not a valid ONNX" in rows["model_int8"]["measured"]
    assert "no such file" in verify(tmp_path, tmp_path / "gone")["model_int8"]["measured"]


def test_the_log_must_name_method_and_images(tmp_path):
    log = tmp_path / "int8.log"
    assert not verify_log("int8", log, "MinMax", 30)["passed"]
    log.write_text("INFO calibration: method MinMax, 30 images, 10 a class, seed 42\n")
    assert verify_log("int8", log, "MinMax", 30)["passed"]
    assert not verify_log("int8", log, "MinMax", 3)["passed"]
    assert not verify_log("int8", log, "Entropy", 30)["passed"]


@pytest.mark.parametrize(("steps", "passed"), [(0.45, True), (0.5, True), (1.2, False)])
def test_no_operator_may_be_further_off_than_rounding_explains(tmp_path, steps, passed):
    path = tmp_path / "int8.json"
    path.write_text(json.dumps({"worst": {"error_steps": steps, "allowed_steps": 0.5}}))
    row = verify_operators("int8", path)
    assert (row["measured"], row["expected"], row["passed"]) == (steps, "<= 0.5", passed)
    assert row["id"] == "operators_int8"
    assert row["evidence"] == {"file": str(path), "key": "worst.error_steps"}


def test_calibration_accuracy_is_compared_with_what_was_required(tmp_path):
    path = tmp_path / "accuracy.json"
    for top1, passed in ((0.4, True), (0.3, False)):
        known = {"checked": True, "top1": top1, "required_top1": 0.325, "suspicious": None}
        path.write_text(json.dumps(known))
        assert [row["passed"] for row in verify_calibration(path)] == [passed, True]
        assert [row["kind"] for row in verify_calibration(path)] == ["self check"] * 2
        accuracy, _ = verify_calibration(path, asked=True)
        assert accuracy["kind"] == "your requirement"


def test_a_suspicious_input_that_did_not_stop_the_run_fails(tmp_path):
    path = tmp_path / "accuracy.json"
    known = {"checked": True, "top1": 0.7, "required_top1": 0.3, "suspicious": "look swapped"}
    path.write_text(json.dumps(known))
    rows = list(verify_calibration(path))
    assert [row["passed"] for row in rows] == [True, False] and rows[1][
        "measured"
    ] == "look swapped"


def test_without_labels_the_accuracy_is_told_as_not_checked(tmp_path):
    path = tmp_path / "accuracy.json"
    path.write_text(json.dumps({"checked": False}))
    (row,) = verify_calibration(path)
    assert row["passed"] and row["measured"].startswith("not checked: the calibration images have")
    assert row["skipped"] == row["measured"]


@pytest.mark.parametrize(("correct", "passed"), [(872, True), (881, True), (882, False)])
def test_the_published_baseline_has_a_tolerance(tmp_path, correct, passed):
    fp32 = write(tmp_path / "fp32.json", "fp32.onnx", correct, 1000, None)
    assert verify_baseline(fp32, 0.8719, tolerance_pp=1.0)["passed"] is passed


@pytest.mark.parametrize(("published", "correct"), [(0.8719, 0.8619), (0.8719, 0.8819)])
def test_exactly_on_the_limit_is_within(tmp_path, published, correct):
    """In binary fractions 100 * (0.8719 - 0.8619) is 1.0000000000000009."""
    fp32 = write(tmp_path / "fp32.json", "fp32.onnx", 1000 * correct, 1000, None)
    assert verify_baseline(fp32, published, tolerance_pp=1.0)["passed"]
    assert not verify_baseline(fp32, published, tolerance_pp=0.9999)["passed"]


def test_drop_and_size_of_exactly_the_limit_are_within(tmp_path, quantized):
    """In binary fractions 0.1 + 0.2 is more than 0.3, and a fifth of 100 bytes less than 20."""
    fp32 = write(tmp_path / "fp32.json", "fp32.onnx", 900, 100, None)
    path = write(tmp_path / "int8.json", quantized, 900, 20, -(0.1 + 0.2))
    limits = {**ACCEPTANCE, "max_drop_pp": 0.3, "min_top1": None, "min_size_reduction": 0.8}
    rows = {row["id"]: row for row in verify_limits("int8", path, fp32, limits)}
    assert set(rows) == {"drop_int8", "size_int8"} and failed(rows) == set()


def test_a_calibration_image_among_the_test_images_is_found(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 4, 3)).astype(np.uint8)
    np.save(tmp_path / "samples.npy", images[:10])
    watched = DigestedImages(images[10:])
    for start in range(0, 20, 8):
        assert np.array_equal(watched[start : start + 8], images[10:][start : start + 8])
    predictions = tmp_path / "fp32.npz"
    np.savez(predictions, digests=watched.digests)
    assert verify_disjoint(tmp_path / "samples.npy", predictions)["passed"]
    np.savez(predictions, digests=digests_of(images[8:]))
    row = verify_disjoint(tmp_path / "samples.npy", predictions)
    assert not row["passed"] and row["measured"] == 2


def test_report_and_gate_tell_what_fails(tmp_path, quantized):
    rows = list(verify(tmp_path, quantized, delta=-4.0).values())
    assert summarize(rows) == "6 of 7 requirements hold; not: int8 loses at most 3.0 pp."
    line = gate_error(rows)
    assert line.startswith(
        "1 of 7 requirements do not hold: drop_int8: int8 loses at most 3.0 pp: expected >= -3.0, "
        "measured -4.0 ("
    )
    assert line.endswith(
        "int8.json baseline.delta_pp); change the quantization, or the acceptance section"
    )
    markdown = to_markdown(rows)
    assert "| FAIL | int8 loses at most 3.0 pp" in markdown
    good = list(verify(tmp_path, quantized).values())
    assert summarize(good) == "7 of 7 requirements hold." and gate_error(good) is None
    assert count_kinds(good) == "3 of yours and 4 self checks"


def test_your_requirements_are_told_from_self_checks(tmp_path, quantized):
    rows = list(verify(tmp_path, quantized, delta=-4.0, images=1001).values())
    own, checks = tables_by_kind(rows).items()
    assert own[0] == "Your requirements: 2 of 3 hold" and len(own[1]) == 3
    assert checks[0] == "Self checks: 3 of 4 hold" and len(checks[1]) == 4
    markdown = to_markdown(rows)
    assert markdown.index(own[0]) < markdown.index("| FAIL | int8 loses at most")
    assert markdown.index("| pass | the file of int8") < markdown.index(checks[0])
    assert markdown.index(checks[0]) < markdown.index("| FAIL | int8 is evaluated on the full")
    line = gate_error(rows)
    assert "2 of 7 requirements do not hold: drop_int8: " in line
    assert "; self check test_split_int8: int8 is evaluated on the full test split: " in line
    assert "acceptance section; where a self check fails, results may be wrong" in line
    # Nothing in the acceptance section mends a self check.
    line = gate_error(list(verify(tmp_path, quantized, images=1001).values()))
    assert "acceptance" not in line and "look at its evidence" in line


def test_objects_are_told_without_braces():
    saturation = {
        "checked": True,
        "refused": None,
        "changed": 1 / 3,
        "interval": [-0.25, 1 / 3],
        "operators": ["a", "b"],
    }
    row = {
        "requirement": "is checked",
        "expected": "checked",
        "measured": saturation,
        "passed": True,
        "evidence": {"file": "int8_eval.json", "key": "saturation"},
    }
    assert table_rows([row])[0]["measured"] == (
        "checked True, changed 0.333333, interval -0.25 to 0.333333, operators 2"
    )
