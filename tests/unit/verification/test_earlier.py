"""Models against those of an earlier run: paired where that is possible."""

import json

import numpy as np
import pytest
from ptq_comparison.verification.earlier import verify_earlier

IMAGES = 400
LABELS = np.arange(IMAGES) % 3


def write_run(folder, wrong, sha256="a" * 64, labels=LABELS, classes=("x", "y", "z"), keeps=True):
    """Write evaluation and predictions of a model that gets the images in `wrong` wrong."""
    predicted = labels.copy()
    predicted[list(wrong)] = (labels[list(wrong)] + 1) % 3
    correct = int(np.sum(predicted == labels))
    content = {
        "accuracy": {"correct": correct, "total": len(labels)},
        "dataset": {"sha256": sha256},
        "per_class": [{"class": name} for name in classes],
    }
    (folder / "predictions").mkdir(parents=True, exist_ok=True)
    (folder / "int8_eval.json").write_text(json.dumps(content))
    if keeps:
        np.savez(folder / "predictions/int8.npz", predicted=predicted, labels=labels)
    return folder


def compare(own, earlier):
    return verify_earlier("int8", own / "int8_eval.json", own / "predictions/int8.npz", earlier)


@pytest.fixture
def own(tmp_path):
    return write_run(tmp_path / "own", range(20))


@pytest.mark.parametrize(
    ("wrong", "fixed", "broken", "passed"),
    [
        (range(20), 0, 0, True),
        (range(15), 0, 5, True),  # p = 0.0625
        (range(14), 0, 6, False),  # p = 0.03125
        (range(40), 20, 0, True),  # better
        ([*range(14), *range(100, 104)], 4, 6, True),
    ],
)
def test_on_the_same_images_the_exact_test_decides(own, tmp_path, wrong, fixed, broken, passed):
    row = compare(own, write_run(tmp_path / "last", wrong))
    assert row["measured"]["comparison"] == "paired"
    assert (row["measured"]["fixed"], row["measured"]["broken"]) == (fixed, broken)
    assert row["measured"]["delta_pp"] == pytest.approx(100 * (fixed - broken) / IMAGES)
    assert row["passed"] is passed and row["skipped"] is None
    assert row["kind"] == "your requirement" and row["id"] == "earlier_int8"
    assert row["evidence"]["file"] == str(tmp_path / "last/int8_eval.json")


def test_a_loss_that_only_pairs_show(own, tmp_path):
    """Six images more wrong, of 400, are within the noise of two samples, not of pairs."""
    last = write_run(tmp_path / "last", range(14))
    assert not compare(own, last)["passed"]
    (last / "predictions/int8.npz").unlink()
    row = compare(own, last)
    assert row["passed"] and row["measured"]["comparison"] == (
        "unpaired (there is no predictions/int8.npz)"
    )
    low, high = row["measured"]["delta_ci95_pp"]
    assert row["measured"]["delta_pp"] == pytest.approx(-1.5)
    assert low < -1.5 and high > 0


@pytest.mark.parametrize(("wrong", "passed"), [(range(14), True), ([], False)])
def test_on_other_images_the_interval_decides(own, tmp_path, wrong, passed):
    row = compare(own, write_run(tmp_path / "last", wrong, sha256="b" * 64))
    assert row["measured"]["comparison"] == "unpaired (other test images)"
    assert row["passed"] is passed


def test_predictions_of_another_run_are_not_paired(own, tmp_path):
    last = write_run(tmp_path / "last", range(14))
    write_run(last, range(300), keeps=True)
    write_run(last, range(14), keeps=False)  # its evaluation alone is new
    assert compare(own, last)["measured"]["comparison"] == (
        "unpaired (its predictions are not those of its evaluation)"
    )
    other = write_run(tmp_path / "other", range(14), labels=LABELS[::-1].copy())
    assert "not those of its evaluation" in compare(own, other)["measured"]["comparison"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY", b"{}"])
def test_damaged_predictions_are_left_aside(own, tmp_path, content):
    last = write_run(tmp_path / "last", range(14))
    (last / "predictions/int8.npz").write_bytes(content)
    row = compare(own, last)
    assert row["measured"]["comparison"] == "unpaired (its predictions cannot be read)"


def test_predictions_without_labels_are_left_aside(own, tmp_path):
    last = write_run(tmp_path / "last", range(14))
    np.savez(last / "predictions/int8.npz", predicted=LABELS)
    assert "cannot be read" in compare(own, last)["measured"]["comparison"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "null", '{"accuracy": 1}', "\ud800", "[" * 100_000,
     '{"accuracy": {"correct": Infinity, "total": 3}, "dataset": {"sha256": ""}, "per_class": []}',
     '{"accuracy": {"correct": 0, "total": 0}, "dataset": {"sha256": ""}, "per_class": []}'],
)  # fmt: skip
def test_an_evaluation_that_cannot_be_read_fails(own, tmp_path, content):
    last = write_run(tmp_path / "last", [])
    (last / "int8_eval.json").write_bytes(content.encode(errors="surrogatepass"))
    row = compare(own, last)
    assert not row["passed"] and row["measured"] == "cannot be read as one"


def test_other_classes_are_not_compared(own, tmp_path):
    row = compare(own, write_run(tmp_path / "last", [], classes=("cat", "dog", "owl")))
    assert not row["passed"] and row["measured"] == "other classes"


def test_a_model_that_is_new_passes_and_says_so(own, tmp_path):
    (tmp_path / "last").mkdir()
    row = compare(own, tmp_path / "last")
    assert row["passed"] and row["skipped"] == "not compared: there is no int8_eval.json"
