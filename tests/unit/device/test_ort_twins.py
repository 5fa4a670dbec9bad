"""A model in ORT format beside its ONNX twin."""

import numpy as np
import onnx
import pytest
from helpers import RAW, make_classifier, make_images
from onnx import numpy_helper
from ptq_comparison.common.not_made import write_not_made
from ptq_comparison.device.ort_format import convert_to_ort
from ptq_comparison.device.ort_twins import compare_twins
from ptq_comparison.inference.batches import Batches
from tqdm import tqdm

IMAGES, _ = make_images(30, seed=5)


@pytest.fixture
def paths(tmp_path):
    onnx.save(make_classifier(), tmp_path / "a.onnx")
    convert_to_ort(tmp_path / "a.onnx", tmp_path / "a.ort")
    return tmp_path / "a.onnx", tmp_path / "a.ort"


def compare(paths):
    batches = Batches.of(IMAGES, make_classifier(), RAW, 10)
    bar = tqdm(total=60, disable=True)
    return compare_twins("a", paths, batches, 3, 1, bar)


def test_equal_twins(paths):
    row = compare(paths)
    assert row["reason"] is None and row["changed_predictions"] == 0
    assert row["largest_score_difference"] < 1e-5 and row["images"] == 30
    sizes = [path.stat().st_size for path in paths]
    assert [row["bytes_onnx"], row["bytes_ort"]] == sizes
    assert row["ratio"] == pytest.approx(sizes[1] / sizes[0])


def test_other_predictions_are_counted(paths):
    """The twin of a model whose first two classes changed places."""
    other = make_classifier()
    weights = numpy_helper.to_array(other.graph.initializer[0])[[1, 0, 2]]
    other.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights.copy(), "w"))
    onnx.save(other, paths[0].with_name("b.onnx"))
    convert_to_ort(paths[0].with_name("b.onnx"), paths[1])
    row = compare(paths)
    assert 0 < row["changed_predictions"] <= 30 and row["largest_score_difference"] > 0.1


def test_a_twin_that_was_not_made_or_does_not_load_has_a_reason(paths):
    write_not_made(paths[1], "onnxruntime cannot")
    row = compare(paths)
    assert row["reason"] == "onnxruntime cannot" and row["bytes_ort"] is None
    paths[1].write_bytes(b"\0" * 100)
    row = compare(paths)
    assert row["reason"] and "\n" not in row["reason"]
    assert row["bytes_ort"] is row["changed_predictions"] is None
    assert np.isfinite(row["bytes_onnx"])
