"""The Python that uses a model: the same input and the same class as in the workflow."""

import itertools
import json

import numpy as np
import onnx
import pytest
from helpers import make_classifier
from onnx import TensorProto, helper
from PIL import Image
from ptq_comparison.datasets.geometry import Geometry
from ptq_comparison.inference.preprocessing import Preprocessing
from ptq_comparison.report.usage import ModelInput, usage_code

NAMES = ["it's", 'a "quoted" one', "```"]
RAW = {"layout": "auto", "scale": 1.0, "mean": 0.0, "std": 1.0, "channels": "RGB"}
TORCH = {**RAW, "scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
CAFFE = {**RAW, "mean": [103.939, 116.779, 123.68], "channels": "BGR"}
VALUES = [RAW, TORCH, CAFFE, {**RAW, "scale": 0.017, "mean": 0.5, "std": 2.0}]
COMMON = {"pad": None, "interpolation": "bilinear", "channels": "RGB", "centre": "round"}
GEOMETRIES = [
    {**COMMON, "resize": 9, "crop": 8},
    {**COMMON, "resize": 11, "crop": [8, 8], "interpolation": "bicubic", "centre": "floor"},
    {**COMMON, "resize": [8, 8], "crop": None, "interpolation": "nearest"},
    {**COMMON, "resize": [8, 8], "crop": None, "pad": 114, "interpolation": "lanczos"},
    {**COMMON, "resize": None, "crop": [8, 8]},
    {**COMMON, "resize": [7, 5], "crop": 8},  # a border of 0
]


def run(code, folder, monkeypatch, capsys):
    """Run a program in a folder, and return its names and what it has printed."""
    monkeypatch.chdir(folder)
    names = {}
    exec(compile(code, "usage.py", "exec"), names)
    return names, capsys.readouterr().out.removesuffix("\n")


def fed(names, path):
    """Return what the program gives to the model for an image."""
    session, given = names["session"], []

    class Watched:
        get_inputs = session.get_inputs

        def run(self, outputs, inputs):
            given.extend(inputs.values())
            return session.run(outputs, inputs)

    names["session"] = Watched()
    predicted = names["predict"](path)
    return given[0], predicted, session


@pytest.fixture
def photos(tmp_path):
    generator = np.random.default_rng(2)
    for name, size in (("image", (21, 30)), ("wide", (30, 17)), ("small", (6, 9))):
        pixels = generator.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize(
    ("geometry", "values", "layout"),
    [
        *itertools.product(GEOMETRIES, [TORCH], ["NHWC"]),
        *itertools.product(GEOMETRIES[:1], VALUES, ["NHWC", "NCHW"]),
    ],
)
def test_input_and_class_are_those_of_the_workflow(
    photos, monkeypatch, capsys, geometry, values, layout
):
    onnx.save(make_classifier(layout), photos / "model.onnx")
    model_input = ModelInput((8, 8, 3), layout, None, "float32", True)
    code = usage_code("model.onnx", model_input, values, geometry, NAMES)
    assert len(code.splitlines()) < 30
    names, printed = run(code, photos, monkeypatch, capsys)
    preprocessing = Preprocessing(**{**values, "layout": layout})
    for name in ("image", "wide", "small"):
        with Image.open(photos / f"{name}.png") as image:
            pixels = Geometry.of(geometry).pixels(image, "RGB")
        wanted = preprocessing(pixels[np.newaxis])
        given, predicted, session = fed(names, f"{name}.png")
        np.testing.assert_array_equal(given, wanted)
        assert given.dtype == wanted.dtype
        (scores,) = session.run(None, {session.get_inputs()[0].name: wanted})
        assert predicted == NAMES[scores.argmax()]
        if name == "image":
            assert printed == predicted


def test_a_fixed_batch_grey_pixels_and_many_classes(tmp_path, monkeypatch, capsys):
    weights = np.random.default_rng(1).normal(size=(16, 300)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["float"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "grey",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [3, 4, 4, 1])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [3, 300])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "model.onnx")
    pixels = np.random.default_rng(3).integers(0, 256, (4, 4), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    (tmp_path / "results/dataset").mkdir(parents=True)
    classes = [f"klass é {number}" for number in range(300)]
    (tmp_path / "results/dataset/dataset.json").write_text(json.dumps({"class_names": classes}))
    model_input = ModelInput((4, 4, 1), "NHWC", 3, "uint8", False)
    code = usage_code("model.onnx", model_input, RAW, None, classes)
    _, printed = run(code, tmp_path, monkeypatch, capsys)
    assert printed == classes[int((pixels.reshape(1, -1).astype(np.float32) @ weights).argmax())]


@pytest.mark.parametrize("is_probability", [False, True])
def test_one_score_for_two_classes(tmp_path, monkeypatch, capsys, is_probability):
    ending = ["Sigmoid"] if is_probability else []
    shape = [1, 2, 2, 3]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Sub", ["mean", "half"], ["scores" if not ending else "logit"]),
        *(helper.make_node(kind, ["logit"], ["scores"]) for kind in ending),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1])],
        [onnx.numpy_helper.from_array(np.array([100], np.float32), "half")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "model.onnx")
    code = usage_code(
        "model.onnx",
        ModelInput((2, 2, 3), "NHWC", 1, "float32", is_probability),
        RAW,
        None,
        ["n", "y"],
    )
    for value, wanted in ((99, "n"), (101, "y")):
        Image.new("RGB", (2, 2), (value,) * 3).save(tmp_path / "image.png")
        assert run(code, tmp_path, monkeypatch, capsys)[1] == wanted


def test_images_of_other_channels_are_arrays(tmp_path, monkeypatch, capsys):
    generator = np.random.default_rng(5)
    np.save(tmp_path / "image.npy", generator.integers(0, 256, (2, 2, 4), np.uint8))
    nodes = [helper.make_node("ReduceMean", ["image"], ["scores"], axes=[1, 2], keepdims=0)]
    graph = helper.make_graph(
        nodes,
        "four",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 2, 2, 4])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "model.onnx")
    model_input = ModelInput((2, 2, 4), "NHWC", 1, "float32", False)
    code = usage_code("model.onnx", model_input, RAW, None, list("abcd"))
    assert "PIL" not in code
    assert run(code, tmp_path, monkeypatch, capsys)[1] in list("abcd")
