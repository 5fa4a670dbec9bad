"""Models in ORT format: bytes, kernels of all CPUs, and what a build needs for them."""

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import RAW, REPOSITORY, make_classifier, make_images
from helpers.quantizer import Quantizer
from ptq_comparison.device.ort_bytes import in_order
from ptq_comparison.device.ort_format import convert_to_ort, write_required_operators
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session

PIXELS, _ = make_images(20, seed=4)
IMAGES = PIXELS.astype(np.float32)
AGAIN = """
import sys
from pathlib import Path
from ptq_comparison.device.ort_format import convert_to_ort
for name in sys.argv[2:]:
    convert_to_ort(Path(name), Path(sys.argv[1]) / Path(name).with_suffix(".ort").name)
"""


def scores(session):
    return session.run(None, {"image": IMAGES})[0]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """ONNX files: float32, int8 and uint8."""
    folder = tmp_path_factory.mktemp("models")
    onnx.save(make_classifier(), folder / "fp32.onnx")
    batches = Batches.of(PIXELS, make_classifier(), RAW, 10)
    for kind in ("QInt8", "QUInt8"):
        quantize = Quantizer(
            make_classifier(), batches, folder, activation_type=kind, weight_type=kind
        )
        onnx.save(quantize(make_classifier()), folder / f"{kind[1:].lower()}.onnx")
    return sorted(folder.glob("*.onnx"))


@pytest.fixture(scope="module")
def converted(models):
    for model in models:
        convert_to_ort(model, model.with_suffix(".ort"))
    return [model.with_suffix(".ort") for model in models]


def test_other_processes_write_the_same_bytes(models, converted, tmp_path):
    """The order of hash maps differs between processes."""
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-c", AGAIN, str(folder), *map(str, models)],
            check=True,
            cwd=REPOSITORY / "workflow/scripts",
            stdout=subprocess.DEVNULL,
        )
        for file in converted:
            assert (folder / file.name).read_bytes() == file.read_bytes()


def test_bytes_in_order_stay(converted):
    for file in converted:
        data = file.read_bytes()
        assert data[4:8] == b"ORTM" and in_order(data) == data


def test_the_order_of_entries_changes_nothing_but_bytes(models, tmp_path):
    """onnxruntime reads what it wrote and what is in order to the same scores."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "own.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    for model in models:
        onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        own = tmp_path / "own.ort"
        (tmp_path / "ordered.ort").write_bytes(in_order(own.read_bytes()))
        ordered = scores(make_session(str(tmp_path / "ordered.ort"), 1))
        assert np.array_equal(scores(make_session(str(own), 1)), ordered)


def test_the_twins_predict_alike(models, converted):
    for model, file in zip(models, converted, strict=True):
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        expected, found = scores(session), scores(make_session(str(file), 1))
        assert np.abs(found - expected).max() < 0.05
        assert np.array_equal(found.argmax(axis=1), expected.argmax(axis=1))
        metadata = make_session(str(file), 1).get_modelmeta().custom_metadata_map
        assert metadata == session.get_modelmeta().custom_metadata_map


def test_the_operators_are_those_of_a_build_for_any_cpu(converted, tmp_path):
    """Integers are computed for int8 activations, too, and nothing in blocks of channels."""
    for file in converted:
        target = tmp_path / f"{file.stem}.config"
        write_required_operators([file], target)
        text = target.read_text()
        assert "nchwc" not in text
        assert ("QLinearConv" in text) == (file.stem != "fp32")


def test_the_operators_of_all_models_are_named_without_paths(converted, tmp_path):
    target = tmp_path / "required_operators.config"
    write_required_operators(converted, target)
    lines = target.read_text().splitlines()
    assert lines[1:4] == ["# - fp32.ort", "# - int8.ort", "# - uint8.ort"]
    assert str(tmp_path) not in target.read_text()
    operators = {name for line in lines[4:] for name in line.split(";")[2].split(",")}
    assert {"QLinearConv", "Softmax"} <= operators and operators & {"Conv", "FusedConv"}


def test_no_model_leaves_no_operator(tmp_path):
    write_required_operators([], tmp_path / "required_operators.config")
    assert (tmp_path / "required_operators.config").read_text() == "# Generated from model/s:\n"


def test_a_model_of_any_name_is_converted(models, tmp_path):
    """onnxruntime's converter passes over some."""
    target = tmp_path / "a.optimized.ort"
    source = tmp_path / "a.optimized.onnx"
    source.write_bytes(models[0].read_bytes())
    convert_to_ort(source, target)
    assert target.read_bytes() == models[0].with_suffix(".ort").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, target.name]


def test_a_file_that_is_no_model_leaves_nothing(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(Exception, match="model"):
        convert_to_ort(tmp_path / "bad.onnx", tmp_path / "bad.ort")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.onnx"]
