"""Rule calibrate: the ranges equal those of onnxruntime, for any batch size, in flat memory."""

import json

import numpy as np
import onnx
import pytest
from helpers import RAW, make_classifier, make_images
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import (
    CalibrationDataReader,
    create_calibrator,
    load_tensors_data,
)
from ptq_comparison.calibration import calibrate, write_ranges
from ptq_comparison.inference import Batches
from tqdm import tqdm

IMAGES, _ = make_images(45, seed=4)


def write(path, model, batch_size):
    batches = Batches.of(IMAGES, model, RAW, batch_size)
    write_ranges(path, calibrate(model, batches, "MinMax", 1, tqdm(disable=True)))
    return path


class AllAtOnce(CalibrationDataReader):
    def __init__(self):
        self.inputs = iter([{"image": IMAGES.astype(np.float32)}])

    def get_next(self):
        return next(self.inputs, None)


def test_ranges_equal_those_of_onnxruntime(tmp_path):
    onnx.save(make_classifier(), tmp_path / "model.onnx")
    calibrator = create_calibrator(
        tmp_path / "model.onnx", None, str(tmp_path / "augmented.onnx"), CalibrationMethod.MinMax
    )
    calibrator.collect_data(AllAtOnce())
    expected = calibrator.compute_data()
    ranges = load_tensors_data(write(tmp_path / "ranges.json", make_classifier(), 10))
    assert {"image", "c", "r", "scores"} <= set(ranges.keys())
    for name, data in ranges.items():
        assert np.ravel(data.range_value) == pytest.approx(np.ravel(expected[name].range_value))
    assert tuple(ranges["image"].range_value) == (IMAGES.min(), IMAGES.max())


def test_ranges_are_the_same_bytes_for_any_batch_size(tmp_path):
    contents = {
        write(tmp_path / f"{size}.json", make_classifier(batch=batch), size).read_bytes()
        for size, batch in ((1, "batch"), (7, "batch"), (45, "batch"), (7, 4))
    }
    assert len(contents) == 1


def test_tensors_are_sorted_and_no_other_file_is_left(tmp_path):
    content = json.loads(write(tmp_path / "ranges.json", make_classifier(), 10).read_text())
    assert list(content["data"]) == sorted(content["data"])
    assert [path.name for path in tmp_path.iterdir()] == ["ranges.json"]
