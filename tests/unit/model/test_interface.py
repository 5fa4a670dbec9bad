"""Rule prepare_model: which models are taken, and how their input is read."""

import numpy as np
import onnx
import pytest
from helpers import make_classifier
from onnx import TensorProto, helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.model.external_weights import external_files
from ptq_comparison.model.interface import check_fits, read_interface
from ptq_comparison.model.loading import describe_model, load_model


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize(
    ("batch", "expected"), [("batch", None), (-1, None), (0, None), (1, 1), (4, 4)]
)
def test_layout_and_batch_are_read_from_the_input_shape(layout, batch, expected):
    interface = read_interface(make_classifier(layout, batch))
    assert interface.layout == layout
    assert interface.batch == expected
    assert interface.image == (8, 8, 3)
    assert (interface.input, interface.output, interface.classes) == ("image", "scores", 3)


def test_an_ambiguous_layout_must_be_set():
    model = make_classifier("NCHW", side=3)
    with pytest.raises(UserError, match=r"model.layout"):
        read_interface(model)
    assert read_interface(model, "NCHW").image == (3, 3, 3)


def set_shape(value, shape, element=TensorProto.FLOAT):
    value.CopyFrom(helper.make_tensor_value_info(value.name, element, shape))


def test_models_that_are_no_classifiers_of_images_are_refused():
    model = make_classifier()
    set_shape(model.graph.input[0], ["batch", 8, 8, 3], TensorProto.UINT8)
    with pytest.raises(UserError, match=r"UINT8"):
        read_interface(model)

    model = make_classifier()
    set_shape(model.graph.input[0], ["batch", 192])
    with pytest.raises(UserError, match=r"rank 4"):
        read_interface(model)

    model = make_classifier()
    set_shape(model.graph.output[0], ["batch", 3, 8, 8])
    with pytest.raises(UserError, match=r"scores of shape \(batch, classes\)"):
        read_interface(model)

    model = make_classifier()
    model.graph.output.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, None))
    with pytest.raises(UserError, match=r"1 inputs and 2 outputs"):
        read_interface(model)


def test_data_that_does_not_fit_is_refused():
    interface = read_interface(make_classifier())
    check_fits(interface, (8, 8, 3), 3)
    with pytest.raises(UserError, match=r"\(8, 8, 3\).*the data set has \(9, 8, 3\)"):
        check_fits(interface, (9, 8, 3), 3)
    with pytest.raises(UserError, match=r"3 classes, the data set has 4"):
        check_fits(interface, (8, 8, 3), 4)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
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
