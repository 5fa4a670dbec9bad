"""The size of the images that a model takes."""

import onnx
import pytest
from helpers import make_classifier
from ptq_comparison.common.errors import UserError
from ptq_comparison.model.input_size import read_input_size


def write(path, layout="NCHW", sizes=(20, 30), **changes):
    model = make_classifier(layout, **changes)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    places = (2, 3) if layout == "NCHW" else (1, 2)
    for place, size in zip(places, sizes, strict=True):
        dims[place].Clear()
        if isinstance(size, int):
            dims[place].dim_value = size
        else:
            dims[place].dim_param = size
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_height_and_width_are_found(tmp_path, layout):
    path = write(tmp_path / "m.onnx", layout)
    assert read_input_size(path, "auto") == read_input_size(path, layout) == (20, 30)


@pytest.mark.parametrize("sizes", [("height", 30), (20, -1), (0, 30)])
def test_a_model_for_any_size_tells_none(tmp_path, sizes):
    path = write(tmp_path / "m.onnx", sizes=sizes)
    with pytest.raises(UserError, match=r"any size.*; set dataset.resize and dataset.crop"):
        read_input_size(path, "auto")


def test_another_model_or_file_is_told(tmp_path):
    model = make_classifier()
    model.graph.input[0].type.tensor_type.shape.dim.pop()
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(UserError, match=r"has 0 inputs of rank 4.*; set dataset.resize"):
        read_input_size(tmp_path / "m.onnx", "auto")
    (tmp_path / "m.onnx").write_text("<html>")
    with pytest.raises(UserError, match=r"m.onnx: not an ONNX model"):
        read_input_size(tmp_path / "m.onnx", "auto")


def test_no_weights_are_read(tmp_path):
    path = write(tmp_path / "m.onnx")
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="w.data", size_threshold=0)
    (tmp_path / "w.data").unlink()
    assert read_input_size(path, "auto") == (20, 30)
