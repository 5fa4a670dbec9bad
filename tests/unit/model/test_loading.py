"""Which files are ONNX models, and what is told about one."""

import os

import onnx
import pytest
from helpers import make_classifier
from ptq_comparison.common.errors import UserError
from ptq_comparison.model.loading import describe_model, load_model


@pytest.mark.parametrize("content", [b"", b"not a model"])
def test_what_is_not_onnx_is_named(tmp_path, content):
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(UserError, match=r"model.onnx: not a valid ONNX model"):
        load_model(tmp_path / "model.onnx")
    with pytest.raises(UserError, match=r"other.onnx: no such file"):
        load_model(tmp_path / "other.onnx")


def test_a_truncated_model_is_refused(tmp_path):
    content = make_classifier().SerializeToString()
    (tmp_path / "model.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"not a valid ONNX model"):
        load_model(tmp_path / "model.onnx")


def test_a_model_is_described(tmp_path):
    onnx.save(make_classifier(), tmp_path / "model.onnx")
    description = describe_model(tmp_path / "model.onnx", "fp32")
    assert description["nodes"] == 6 and description["opset"] == 13
    assert description["operators"] == {
        "Conv": 1,
        "Flatten": 1,
        "GlobalAveragePool": 1,
        "Relu": 1,
        "Softmax": 1,
        "Transpose": 1,
    }
    assert description["bytes"] == (tmp_path / "model.onnx").stat().st_size


def test_an_output_without_a_shape_gets_it(tmp_path):
    model = make_classifier()
    expected = model.graph.output[0].SerializeToString()
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, tmp_path / "model.onnx")
    (output,) = load_model(tmp_path / "model.onnx").graph.output
    assert output.SerializeToString() == expected
    dims = output.type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in dims] == ["batch", 3]


def test_an_output_whose_shape_nobody_knows_is_named(tmp_path):
    model = make_classifier()
    last = model.graph.node[-1]
    last.op_type, last.domain = "Unheard", "my.own"
    model.opset_import.append(onnx.helper.make_opsetid("my.own", 1))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(UserError, match=r"output 'scores' declares no shape, and onnx") as error:
        load_model(tmp_path / "model.onnx")
    assert "\n" not in str(error.value)


def test_a_file_that_is_too_large_for_onnx_is_not_read(tmp_path):
    path = tmp_path / "model.onnx"
    path.touch()
    os.truncate(path, 3 << 30)
    with pytest.raises(UserError, match=r"model.onnx: has 3.2 GB, and no ONNX file has more than"):
        load_model(path)
