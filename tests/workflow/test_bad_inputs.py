"""Bad input ends in one clear line, a non-zero exit, and no partial result: a row for each."""

import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from helpers import (
    CLASSES,
    make_classifier,
    make_images,
    make_nan_classifier,
    overlay,
    run_snakemake,
)
from helpers.shared_runs import copy_run
from onnx import TensorProto, helper, numpy_helper
from PIL import Image


@dataclass
class Fault:
    """What is wrong, and the line that says so."""

    message: str
    config: dict[str, Any] = field(default_factory=dict)  # over the tiny one
    model: Callable[[], Any] | None = None  # another model, a ModelProto or bytes
    data: Callable[[dict[str, np.ndarray]], Any] | None = None  # other arrays, or bytes
    folder: Callable[[Path, Path], None] | None = None  # given the run's folder and a finished run
    target: str = "all"


def edit(change: Callable[[onnx.ModelProto], Any]) -> Callable[[], onnx.ModelProto]:
    """Return a function that makes the tiny classifier with a change."""

    def make() -> onnx.ModelProto:
        model = make_classifier()
        change(model)
        return model

    return make


def weights(model: onnx.ModelProto) -> np.ndarray:
    return numpy_helper.to_array(model.graph.initializer[0])


def set_weights(model: onnx.ModelProto, array: np.ndarray) -> None:
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w"))


def infinite(model: onnx.ModelProto) -> None:
    array = weights(model).copy()
    array[0, 0, 0, 0] = np.inf
    set_weights(model, array)


def insert_qdq(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1), "s"))
    model.graph.initializer.append(numpy_helper.from_array(np.uint8(0), "z"))
    model.graph.node[0].input[0] = "dequantized"
    for node in (
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["dequantized"], name="dq"),
        helper.make_node("QuantizeLinear", ["image", "s", "z"], ["q"], name="q"),
    ):
        model.graph.node.insert(0, node)


def half_precision(model: onnx.ModelProto) -> None:
    set_weights(model, weights(model).astype(np.float16))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16


def half_precision_inside(model: onnx.ModelProto) -> None:
    set_weights(model, weights(model).astype(np.float16))
    model.graph.node.insert(1, helper.make_node("Cast", ["nchw"], ["half"], to=TensorProto.FLOAT16))
    model.graph.node[2].input[0] = "half"
    model.graph.node[2].output[0] = "c16"
    model.graph.node.insert(3, helper.make_node("Cast", ["c16"], ["c"], to=TensorProto.FLOAT))


def own_operator(model: onnx.ModelProto) -> None:
    model.graph.node[2].op_type, model.graph.node[2].domain = "Own", "my.own"
    model.opset_import.append(helper.make_opsetid("my.own", 1))


def set_opset(version: int) -> Callable[[onnx.ModelProto], None]:
    return lambda model: setattr(model.opset_import[0], "version", version)


def same_names(model: onnx.ModelProto) -> None:
    model.graph.node[2].name = model.graph.node[1].name


def set_input(shape: list[Any], element: int = TensorProto.FLOAT) -> Callable[[Any], None]:
    value = helper.make_tensor_value_info("image", element, shape)
    return lambda model: model.graph.input[0].CopyFrom(value)


def second_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1]))


def set_classes(count: int | str) -> Callable[[onnx.ModelProto], None]:
    """Give the model `count` outputs; a text leaves 4 outputs undeclared."""

    def change(model: onnx.ModelProto) -> None:
        number = count if isinstance(count, int) else 4
        set_weights(model, np.resize(weights(model), (number, 3, 3, 3)))
        value = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", count])
        model.graph.output[0].CopyFrom(value)

    return change


def truncated() -> bytes:
    content = make_classifier().SerializeToString()
    return bytes(content[: len(content) // 2])


def change(**arrays: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, Any]], Any]:
    """Return a function that changes the named arrays of the data set."""
    return lambda data: {**data, **{name: make(data[name]) for name, make in arrays.items()}}


def infinite_pixel(images: np.ndarray) -> np.ndarray:
    changed = images.astype(np.float32)
    changed[0, 0, 0, 0] = np.inf
    return changed


def swap(images: np.ndarray) -> np.ndarray:
    return images[..., [1, 2, 0]]


def stale(key: str, value: Any) -> Callable[[Path, Path], None]:
    """Put ranges of something else into a finished run whose int8 model is gone."""

    def prepare(folder: Path, finished: Path) -> None:
        copy_run(finished, folder)
        path = folder / "results/calibration/ranges.json"
        content = json.loads(path.read_text())
        content["provenance"][key] = value
        path.write_text(json.dumps(content))
        for name in ("results/models/int8.onnx", "results/int8_eval.json"):
            (folder / name).unlink()

    return prepare


def two_splits(folder: Path, finished: Path) -> None:
    """Make an image folder."""
    for split in ("train", "test"):
        for number, (image, label) in enumerate(zip(*make_images(9, seed=1), strict=True)):
            path = folder / "images" / split / CLASSES[label] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)


def broken_folder(folder: Path, finished: Path) -> None:
    """Make an image folder with one file that is no image."""
    two_splits(folder, finished)
    (folder / "images/train/blue/2.png").write_bytes(b"\x89PNG and no more")


def weights_apart(size: int | None) -> Callable[[Path, Path], None]:
    """Leave the weights to a file beside the model, cut to `size` bytes; None: without the file."""

    def prepare(folder: Path, finished: Path) -> None:
        onnx.save(
            make_classifier(), folder / "model.onnx", save_as_external_data=True, location="w.data",
            size_threshold=0,
        )  # fmt: skip
        if size is None:
            (folder / "w.data").unlink()
        else:
            os.truncate(folder / "w.data", size)

    return prepare


def empty_folder(folder: Path, finished: Path) -> None:
    (folder / "images").mkdir()


QUANTIZATION = "error: config: quantization"

FAULTS = {
    # The configuration
    "typo in a key": Fault(
        f"{QUANTIZATION}.per_chanel: unknown key; did you mean 'per_channel'?",
        {"quantization": {"per_chanel": True}},
    ),
    "typo in the method": Fault(
        "calibration.method: 'Percentil' is not allowed; allowed: MinMax, Percentile, Entropy, MSE",
        {"calibration": {"method": "Percentil"}},
    ),
    "Distribution": Fault(
        "calibration.method: Distribution is refused: it serves 8-bit floats",
        {"calibration": {"method": "Distribution"}},
    ),
    "CalibTensorRangeSymmetric": Fault(
        f"{QUANTIZATION}.extra_options.CalibTensorRangeSymmetric: refused: with it the ReLUs",
        {"quantization": {"extra_options": {"CalibTensorRangeSymmetric": True}}},
    ),
    "CalibMaxIntermediateOutputs": Fault(
        "calibration.CalibMaxIntermediateOutputs: refused: it discards data",
        {"calibration": {"CalibMaxIntermediateOutputs": 10}},
    ),
    "key that has moved": Fault(
        "acceptance.target_drop_pp: refused: its name is sensitivity.target_drop_pp now",
        {"acceptance": {"target_drop_pp": 0.5}},
    ),
    "typo in an extra option": Fault(
        "extra_options.ActivationSymetric: unknown key; did you mean 'ActivationSymmetric'?",
        {"quantization": {"extra_options": {"ActivationSymetric": True}}},
    ),
    "Entropy that equals MinMax": Fault(
        "calibration.num_bins: 128 with num_quantized_bins 128 leaves Entropy nothing to choose",
        {"calibration": {"method": "Entropy", "num_bins": 128}},
    ),
    "percentile as a fraction": Fault(
        "calibration.percentile: 0.99999 is less than or equal to the minimum of 50",
        {"calibration": {"method": "Percentile", "percentile": 0.99999}},
    ),
    "accuracy in percent": Fault(
        "acceptance.min_calibration_accuracy: 85 is greater than the maximum of 1",
        {"acceptance": {"min_calibration_accuracy": 85}},
    ),
    "agreement in percent": Fault(
        "acceptance.min_agreement: 99 is greater than the maximum of 1",
        {"acceptance": {"min_agreement": 99}},
    ),
    "acceptance by something else": Fault(
        "acceptance.by: 'mean' is not allowed; allowed: point, interval",
        {"acceptance": {"by": "mean"}},
    ),
    "speed that nothing measures": Fault(
        "config: acceptance.min_speedup: speed is not measured; set latency.measure to true, or",
        {"acceptance": {"min_speedup": 1.1}},
    ),
    "earlier results that are not there": Fault(
        "config: acceptance.compare_to: last: no such folder; correct the path, or set it to null",
        {"acceptance": {"compare_to": "last"}},
    ),
    "earlier results without evaluations": Fault(
        "config: acceptance.compare_to: last: holds no evaluation of fp32, int8, uint8; name a",
        {"acceptance": {"compare_to": "last"}},
        folder=lambda folder, _: (folder / "last/results").mkdir(parents=True),
    ),
    "earlier results that this run writes over": Fault(
        "config: acceptance.compare_to: results/last: is, or is in, the folder that this run",
        {"acceptance": {"compare_to": "results/last"}},
        folder=lambda folder, _: (folder / "results/last").mkdir(parents=True), target="gate",
    ),
    "unknown dtype": Fault(
        "quantization.dtypes.0: 'int4' is not allowed; allowed: int8, uint8, u8s8",
        {"quantization": {"dtypes": ["int4"]}},
    ),
    "unknown type of an extra dtype": Fault(
        "extra_dtypes.u4s4.activation_type: 'QUInt4' is not allowed; allowed: QInt8, QUInt8",
        {"quantization": {"extra_dtypes": {
            "u4s4": {"activation_type": "QUInt4", "weight_type": "QInt8"}}}},
    ),
    "16 bits as QOperator": Fault(
        "quantization.extra_dtypes.u16s8: QOperator has no 16-bit activations",
        {"quantization": {"format": "QOperator", "extra_dtypes": {
            "u16s8": {"activation_type": "QUInt16", "weight_type": "QInt8"}}}},
    ),
    "types of tensors as QOperator": Fault(
        "quantization.extra_dtypes.own: QOperator has no tensor_types; use the format QDQ",
        {"quantization": {"extra_dtypes": {
            "own": {"activation_type": "QUInt8", "weight_type": "QInt8", "format": "QOperator",
                    "tensor_types": {"input": "QUInt16"}}}}},
    ),
    "unknown model in the target": Fault(
        "there is no model 'int4'; allowed: fp32, int8, uint8", target="results/int4_eval.json"
    ),
    "wrong number of means": Fault(
        "model.mean: 2 values for images of 3 channels", {"model": {"mean": [1.0, 2.0]}}
    ),
    "NaN": Fault(
        "evaluation.saturation_threshold: nan is not a finite number of 64 bits; allowed: number",
        {"evaluation": {"saturation_threshold": float("nan")}},
    ),
    "key that is no text": Fault(
        "error: overlay.yaml: line 2: the key '1' is no text; put it in quotes",
        {"calibration": {1: 2}},
    ),
    "address that is none": Fault(
        "error: config: model.source: https://[::1 is no address; correct it, as in https://",
        {"model": {"source": "https://[::1"}},
    ),
    "published figures without those of float32": Fault(
        "error: config: baseline.published.models: 'fp32' is a required property",
        {"baseline": {"published": {"source": "paper", "images": 10, "models": {
            "int8": {"top1": 0.9, "size": "1K", "nodes": None}}}}},
    ),
    # The data set
    "data set that is not there": Fault(
        "dataset.path: nowhere.npz: no such file or folder", {"dataset": {"path": "nowhere.npz"}}
    ),
    "path without the kind of data set": Fault(
        "dataset.name: shapes needs no dataset.path", {"dataset": {"name": "shapes"}}
    ),
    "no data set at all": Fault(
        "dataset.path: is not set; npz needs", {"dataset": {"path": None}}
    ),
    "validation images that are not there": Fault(
        "error: prepare_dataset: dataset.validation: val: no split of the data set has this name, "
        "and no folder; correct it, or set it to null", {"dataset": {"validation": "val"}},
    ),
    "validation images that are test images": Fault(
        "error: prepare_dataset: dataset.validation: images/test/blue/2.png: is in the test split, "
        "too; name a split or a folder of other images",
        {"dataset": {"name": "image_folder", "path": "images", "validation": "test"}},
        folder=two_splits,
    ),
    "no network": Fault(
        "error: download: dataset.url: http://127.0.0.1:9/c.tar.gz cannot be downloaded",
        {"dataset": {"name": "cifar10", "path": None, "url": "http://127.0.0.1:9/c.tar.gz"}},
    ),
    "another archive than expected": Fault(
        "error: prepare_dataset: dataset.sha256:", {"dataset": {"sha256": "0" * 64}}
    ),
    "HTML instead of an archive": Fault(
        "data.npz: not a NumPy .npz archive of plain arrays", data=lambda data: b"<html></html>"
    ),
    "empty data set": Fault(
        "error: prepare_dataset: dataset.path: the test split has no images",
        data=change(test_images=lambda a: a[:0], test_labels=lambda a: a[:0]),
    ),
    "fewer labels than images": Fault(
        "the train split has 90 images and 89 labels", data=change(train_labels=lambda a: a[1:])
    ),
    "label without a class": Fault(
        "labels of the test split run from 0 to 7, but there are 3 classes",
        data=change(test_labels=lambda a: np.where(a == 2, 7, a)),
    ),
    "labels from 1": Fault(
        "error: prepare_dataset: dataset.path: labels of the train split run from 1 to 3: labels "
        "start at 1; this workflow counts from 0: subtract 1",
        data=change(train_labels=lambda a: a + 1, test_labels=lambda a: a + 1),
    ),
    "Inf pixel": Fault(
        "data.npz: train_images is float32 of shape (90, 8, 8, 3); uint8",
        data=change(train_images=infinite_pixel),
    ),
    "preprocessing that overflows": Fault(
        "error: check_accuracy: model.scale, model.mean, model.std: an image has values that are "
        "not finite", {"model": {"scale": 1e38}}, target="results/calibration/ranges.json",
    ),
    "broken image": Fault(
        "images/train/blue/2.png", {"dataset": {"name": "image_folder", "path": "images"}},
        folder=broken_folder,
    ),
    "folder without images": Fault(
        "error: prepare_dataset: ", {"dataset": {"name": "image_folder", "path": "images"}},
        folder=empty_folder,
    ),
    "too few calibration images": Fault(
        "error: sample_calibration: calibration.samples_per_class: class 'red' has 30 training "
        "images, 31 were asked for", {"calibration": {"samples_per_class": 31}},
    ),
    # The model
    "model that is not there": Fault(
        "model.source: nowhere.onnx: no such file", {"model": {"source": "nowhere.onnx"}}
    ),
    "model behind an address that is gone": Fault(
        "error: download: model.source: http://127.0.0.1:9/m.onnx cannot be downloaded",
        {"model": {"source": "http://127.0.0.1:9/m.onnx"}},
    ),
    "HTML instead of ONNX": Fault(
        "error: prepare_model: model.onnx: is a page of HTML", model=lambda: b"<html></html>"
    ),
    "empty model": Fault(
        "error: prepare_model: model.onnx: not a valid ONNX model", model=lambda: b""
    ),
    "truncated model": Fault(
        "error: prepare_model: model.onnx: not a valid ONNX model", model=truncated
    ),
    "weights beside the model that are gone": Fault(
        "error: prepare_model: model.onnx: not a valid ONNX model",
        {"model": {"source": "model.onnx"}}, folder=weights_apart(None),
    ),
    "weights beside the model cut short": Fault(
        "error: prepare_model: model.onnx: not a valid ONNX model",
        {"model": {"source": "model.onnx"}}, folder=weights_apart(100),
    ),
    "NaN weights": Fault(
        "error: prepare_model: model.source: tensor 'w' holds values that are not finite",
        model=make_nan_classifier,
    ),
    "Inf weight": Fault(
        "model.source: tensor 'w' holds values that are not finite", model=edit(infinite)
    ),
    "quantized already": Fault(
        "model.source: is quantized already (node 'q' is QuantizeLinear)", model=edit(insert_qdq)
    ),
    "fp16": Fault(
        "model.source: tensor 'w' is FLOAT16; export the model in float32",
        model=edit(half_precision),
    ),
    "fp16 inside": Fault(
        "model.source: tensor 'w' is FLOAT16; export the model in float32",
        model=edit(half_precision_inside),
    ),
    "opset 12 with per channel, as asked for": Fault(
        "has opset 12, but quantization.per_channel with the format QDQ needs 13; set model.opset",
        {"model": {"opset": 12}}, edit(set_opset(12)),
    ),
    "opset that onnx does not know": Fault(
        "error: prepare_model: model.opset: onnx knows none above", {"model": {"opset": 10**6}}
    ),
    "two nodes of one name": Fault("2 nodes have the name 'conv'", model=edit(same_names)),
    "two inputs": Fault(
        "model.source: has 2 inputs; a classifier with one image input",
        model=edit(second_input),
    ),
    "flat input": Fault("images of rank 4 are needed", model=edit(set_input(["batch", 192]))),
    "another image size": Fault(
        "model.source takes images of height, width, channels (9, 9, 3)",
        model=lambda: make_classifier(side=9),
    ),
    "another number of classes": Fault(
        "model.source has 4 classes, the data set has 3", model=edit(set_classes(4))
    ),
    "another number of classes, undeclared": Fault(
        "error: prepare_model: model.source: gives scores of 4 classes, the data set has 3",
        model=edit(set_classes("classes")),
    ),
    "operator that onnxruntime does not have": Fault(
        "cannot run the model on images of height, width, channels (8, 8, 3), two at once",
        model=edit(own_operator),
    ),
    # What neither file shows by itself
    "images scaled by 1/255": Fault(
        "error: check_accuracy: the preprocessing looks wrong: raw gives",
        {"model": {"scale": 1 / 255}},
        edit(lambda model: add_bias(model)),
        target="results/int8_eval.json",
    ),
    "accuracy that is too low": Fault(
        "error: check_accuracy: acceptance.min_calibration_accuracy: the float32 model names",
        {"model": {"scale": 1 / 255}, "acceptance": {"suspicious_input": "warn"}},
        edit(lambda model: add_bias(model)),
        target="results/int8_eval.json",
    ),
    "swapped channels": Fault(
        "error: check_accuracy: classes 'red', 'green', 'blue' look rotated",
        data=change(train_images=swap, test_images=swap), target="results/fp32_eval.json",
    ),
    "swapped classes": Fault(
        "look rotated (3.3% of the calibration images are right, and 93.3% in that order)",
        data=change(train_labels=lambda a: (a + 1) % 3), target="results/int8_eval.json",
    ),
    # Options that do not fit the model
    "typo in an excluded node": Fault(
        "error: quantize: quantization.nodes_to_exclude: the model has no node 'konv'; it has for "
        "example 'conv'", {"quantization": {"nodes_to_exclude": ["konv"]}},
        target="results/int8_eval.json",
    ),
    "typo in a type of operator": Fault(
        "quantization.op_types_to_quantize: the model has no operator of type 'Convv'; it has for "
        "example 'Conv'", {"quantization": {"op_types_to_quantize": ["Convv"]}},
        target="results/int8_eval.json",
    ),
    "nothing left to quantize": Fault(
        "nothing was quantized; leave something to quantize",
        {"quantization": {"op_types_to_quantize": ["Transpose"]}}, target="results/int8_eval.json",
    ),
    "ranges of another model": Fault(
        "error: quantize: results/calibration/ranges.json: model_sha256 is 0, but this run has",
        folder=stale("model_sha256", "0"), target="results/int8_eval.json",
    ),
    "ranges of other images": Fault(
        "ranges.json: samples_sha256 is 0, but this run has",
        folder=stale("samples_sha256", "0"), target="results/int8_eval.json",
    ),
    "ranges of another method": Fault(
        "ranges.json: method is Entropy, but this run has MinMax",
        folder=stale("method", "Entropy"), target="results/int8_eval.json",
    ),
    "ranges of another preprocessing": Fault(
        "ranges.json: preprocessing is {'scale': 2.0}, but this run has",
        folder=stale("preprocessing", {"scale": 2.0}), target="results/int8_eval.json",
    ),
}  # fmt: skip


def add_bias(model: onnx.ModelProto) -> None:
    """Let class 0 win by a little; on raw pixels, the brightest channel still does."""
    bias = np.float32([0.2, 0.0, 0.0])
    model.graph.initializer.append(numpy_helper.from_array(bias, "bias"))
    for node in model.graph.node:
        if node.op_type == "Softmax":
            node.input[0] = "biased"
    add = helper.make_node("Add", ["f", "bias"], ["biased"], name="add")
    model.graph.node.insert(len(model.graph.node) - 1, add)


# Where the jobs write; none of it may be there after the job has failed.
OUTPUTS = {
    "download": "downloads",
    "prepare_dataset": "dataset",
    "prepare_model": "models",
    "sample_calibration": "samples",
    "check_accuracy": "fp32_accuracy",
    "calibrate": "calibration/ranges",
    "quantize": "models/int8",
    "predict": "predictions/",
}


def test_there_are_enough_rows():
    assert len(FAULTS) >= 30


@pytest.mark.parametrize("name", FAULTS)
def test_bad_input(tiny, tiny_run, tmp_path, name):
    fault = FAULTS[name]
    config = dict(fault.config)
    if fault.folder:
        fault.folder(tmp_path, tiny_run)
    if fault.model:
        model = fault.model()
        content = model if isinstance(model, bytes) else model.SerializeToString()
        (tmp_path / "model.onnx").write_bytes(content)
        config["model"] = {**config.get("model", {}), "source": "model.onnx"}
    if fault.data:
        with np.load(tiny / "data.npz") as arrays:
            data = fault.data(dict(arrays))
        buffer = io.BytesIO()
        if not isinstance(data, bytes):
            np.savez(buffer, **data)
        (tmp_path / "data.npz").write_bytes(data if isinstance(data, bytes) else buffer.getvalue())
        config["dataset"] = {"path": "data.npz"}
    files = (tiny / "config.yaml", overlay(tmp_path / "overlay.yaml", config))
    before = results(tmp_path)
    result = run_snakemake(tmp_path, fault.target, configfiles=files)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    made = results(tmp_path)
    assert fault.target not in made
    # One line, but for two jobs side by side that both fail over it.
    lines = {line for line in result.stdout.splitlines() if line.startswith("error: ")}
    assert lines, result.stdout
    for line in lines:
        assert fault.message in line and "unexpected" not in line, result.stdout
        # It stands at the end of the output, so that nobody has to search for it.
        assert line in result.stderr.splitlines()[-6:]
        if " (log: " not in line:  # nothing has run
            assert made == before
        else:
            log = tmp_path / line.rpartition("(log: ")[2].rstrip(")")
            assert "Traceback (most recent call last)" in log.read_text()
            failed = log.relative_to(tmp_path / "results/logs").parts[0].removesuffix(".log")
            assert not [path for path in made if OUTPUTS[failed] in path]


def results(folder: Path) -> list[str]:
    """Return the files in results that are neither logs nor benchmarks."""
    found = (path.relative_to(folder) for path in (folder / "results").rglob("*"))
    return sorted(str(path) for path in found if path.suffix not in ("", ".log", ".tsv"))
