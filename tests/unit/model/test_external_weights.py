"""The files beside a model that hold its weights."""

import numpy as np
import onnx
import pytest
from helpers import make_classifier
from onnx import TensorProto, helper
from ptq_comparison.model.external_weights import external_files
from ptq_comparison.model.loading import load_model


def test_files_of_weights_are_found_and_none_in_what_is_not_onnx(tmp_path):
    path = tmp_path / "sub" / "model.onnx"
    path.parent.mkdir()
    assert external_files(path) == []
    for content in (b"", b"<html>", b"\xff" * 50):
        path.write_bytes(content)
        assert external_files(path) == []
    onnx.save(make_classifier(), path)
    assert external_files(path) == []
    model = make_classifier()
    value = onnx.numpy_helper.from_array(np.ones(500, np.float32))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["k"], value=value))
    onnx.save(
        model, path, save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=0,
        convert_attribute=True,
    )  # fmt: skip
    files = external_files(path)
    assert len(files) == 2 and all(file.is_file() and file.parent == path.parent for file in files)
    assert load_model(path).graph.node[0].op_type == "Constant"


def test_a_file_too_large_for_onnx_is_not_searched(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x0a\x08location\x12\x01w")
    assert external_files(path) == [tmp_path / "w"]
    with path.open("ab") as file:
        file.truncate(2**31)
    assert external_files(path) == []


@pytest.mark.parametrize("name", ["w.data", "x" * 127, "x" * 128, "sub/" + "é" * 300, "x" * 16_000])
def test_the_name_of_a_file_of_weights_may_be_long(tmp_path, name):
    model = make_classifier()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="offset", value="0")
    weights.external_data.add(key="location", value=name)
    weights.external_data.add(key="length", value="324")
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    assert external_files(tmp_path / "model.onnx") == [tmp_path / name]
