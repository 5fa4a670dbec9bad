"""Ranges and models tell what they were made from, and stale ranges are refused."""

import json

import numpy as np
import onnx
import pytest
from helpers import RAW, make_classifier
from ptq_comparison.calibration.provenance import calibration_provenance, check_ranges
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import sha256_file


@pytest.fixture
def files(tmp_path):
    onnx.save(make_classifier(), tmp_path / "model.onnx")
    np.save(tmp_path / "samples.npy", np.zeros((2, 8, 8, 3), np.uint8))
    return tmp_path


def provenance(folder, **changes):
    arguments = {
        "model_path": folder / "model.onnx",
        "samples_path": folder / "samples.npy",
        "preprocessing": RAW,
        "method": "Percentile",
        "options": {"percentile": 99.9},
    }
    return calibration_provenance(**{**arguments, **changes})


def test_it_holds_the_sums_of_model_and_images(files):
    found = provenance(files)
    assert found["model_sha256"] == sha256_file(files / "model.onnx")
    assert found["samples_sha256"] == sha256_file(files / "samples.npy")
    assert set(found["versions"]) == {"onnxruntime", "onnx", "numpy"}


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("preprocessing", {"preprocessing": {**RAW, "scale": 0.5}}),
        ("method", {"method": "Entropy"}),
        ("options", {"options": {"percentile": 99.0}}),
        ("model_sha256", {"model_path": "other.onnx"}),
        ("samples_sha256", {"samples_path": "other.npy"}),
    ],
)
def test_ranges_that_do_not_belong_are_refused(files, key, changes):
    np.save(files / "other.npy", np.ones((2, 8, 8, 3), np.uint8))
    onnx.save(make_classifier("NCHW"), files / "other.onnx")
    changes = {k: files / v if k.endswith("_path") else v for k, v in changes.items()}
    ranges = files / "ranges.json"
    ranges.write_text(json.dumps({"provenance": provenance(files)}))
    assert check_ranges(ranges, provenance(files)) == provenance(files)
    with pytest.raises(UserError, match=rf"ranges.json: {key} is .*, but this run has"):
        check_ranges(ranges, provenance(files, **changes))


def test_ranges_of_another_version_are_taken_but_told(files):
    older = {**provenance(files), "versions": {"onnxruntime": "1.31.0"}}
    ranges = files / "ranges.json"
    ranges.write_text(json.dumps({"provenance": older}))
    assert check_ranges(ranges, provenance(files))["versions"] == {"onnxruntime": "1.31.0"}


def test_ranges_without_provenance_are_refused(files):
    (files / "ranges.json").write_text(json.dumps({"data": {}}))
    with pytest.raises(UserError, match=r"model_sha256 is None"):
        check_ranges(files / "ranges.json", provenance(files))
