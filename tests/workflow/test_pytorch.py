"""A model that PyTorch exported (NCHW), on an image folder, with torchvision's normalization."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import (
    CLASSES,
    MEAN,
    REPOSITORY,
    STD,
    make_classifier,
    make_images,
    overlay,
    run_snakemake,
)
from PIL import Image

DATA = REPOSITORY / "tests/data"
TORCH = importlib.util.find_spec("torch") is not None


def write_images(folder):
    for split, count, seed in (("train", 60, 11), ("test", 151, 12)):
        for number, (image, label) in enumerate(zip(*make_images(count, seed), strict=True)):
            path = folder / split / f"{label}_{CLASSES[label]}" / f"{number:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)


def count_correct(model, folder):
    """Do what a plain script does: an image at a time, from its file."""
    session = onnxruntime.InferenceSession(model)
    correct = 0
    for label, name in enumerate(sorted(path.name for path in folder.iterdir())):
        for path in (folder / name).iterdir():
            pixels = np.asarray(Image.open(path), np.float32) / 255
            inputs = ((pixels - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)[None]
            correct += int(session.run(None, {"images": inputs})[0].argmax() == label)
    return correct


def write_config(folder, source):
    config = {
        "dataset": {"name": "image_folder", "path": "images"},
        "model": {"source": str(source), "scale": 1 / 255, "mean": MEAN, "std": STD},
        "calibration": {"samples_per_class": 10},
        "acceptance": {"min_size_reduction": None},
        "latency": {"measure": False},
    }
    return overlay(folder / "own.yaml", config)


def test_accuracy_equals_a_plain_script(tmp_path):
    write_images(tmp_path / "images")
    files = (write_config(tmp_path, DATA / "pytorch_nchw.onnx"),)
    evaluations = [f"results/{model}_eval.json" for model in ("fp32", "int8", "uint8")]
    result = run_snakemake(tmp_path, *evaluations, "gate", configfiles=files)
    assert result.returncode == 0, result.stdout
    expected = count_correct(DATA / "pytorch_nchw.onnx", tmp_path / "images/test")
    assert 100 < expected < 151  # neither chance nor trivial
    for model in ("fp32", "int8", "uint8"):
        path = tmp_path / f"results/models/{model}.onnx"
        evaluation = json.loads((tmp_path / f"results/{model}_eval.json").read_text())
        assert evaluation["accuracy"]["correct"] == count_correct(path, tmp_path / "images/test")
        assert evaluation["accuracy"]["total"] == 151
    fp32 = json.loads((tmp_path / "results/fp32_eval.json").read_text())
    assert fp32["accuracy"]["correct"] == expected


def save_apart(path, change=1.0):
    """Save the model as PyTorch does since 2.9: the graph, and a file of weights beside it."""
    model = onnx.load(DATA / "pytorch_nchw.onnx")
    for tensor in model.graph.initializer:
        if tensor.name.startswith("5."):  # the last layer
            array = change * onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    Path(f"{path}.data").unlink(missing_ok=True)  # onnx would append to it
    onnx.save(
        model, path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=0
    )


def test_weights_may_lie_beside_the_model_and_new_ones_are_noticed(tmp_path):
    write_images(tmp_path / "images")
    files = (write_config(tmp_path, "apart.onnx"),)
    target, correct = "results/int8_eval.json", []
    graphs = set()
    for change in (1.0, -1.0):
        save_apart(tmp_path / "apart.onnx", np.float32(change))
        graphs.add((tmp_path / "apart.onnx").read_bytes())
        floor = overlay(
            tmp_path / "f.yaml",
            {"acceptance": {"min_calibration_accuracy": 0, "suspicious_input": "warn"}},
        )
        result = run_snakemake(tmp_path, target, configfiles=(*files, floor))
        assert result.returncode == 0, result.stdout
        evaluation = json.loads((tmp_path / target).read_text())
        correct.append(evaluation["baseline"]["correct"])
    assert len(graphs) == 1  # only the weights differ, which onnx keeps in the other file
    assert correct[0] == count_correct(DATA / "pytorch_nchw.onnx", tmp_path / "images/test")
    assert correct[1] < 20


def test_new_bytes_of_weights_of_any_name_are_noticed(tiny, tmp_path):
    """Others than PyTorch's exporter write `model.onnx_data`, or a file for each tensor."""
    model = tmp_path / "model.onnx"
    onnx.save(make_classifier(), model, save_as_external_data=True, location="model.onnx_data",
              size_threshold=0)  # fmt: skip
    own = overlay(tmp_path / "own.yaml", {"model": {"source": "model.onnx"}})
    files, target = (tiny / "config.yaml", own), "results/models/fp32.onnx"
    result = run_snakemake(tmp_path, target, configfiles=files)
    assert result.returncode == 0, result.stdout
    weights = tmp_path / "model.onnx_data"
    for changed in (False, True):
        if changed:
            weights.write_bytes(weights.read_bytes()[::-1])
        result = run_snakemake(tmp_path, target, configfiles=files, options=("--dry-run",))
        assert result.returncode == 0, result.stdout
        assert ("rule prepare_model" in result.stdout) == changed


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed (dependency group training)")
def test_the_stored_model_is_what_pytorch_exports(tmp_path):
    subprocess.run(
        [sys.executable, DATA / "export_pytorch.py", tmp_path / "again.onnx"], check=True
    )
    images = make_images(50, seed=13)[0].transpose(0, 3, 1, 2).astype(np.float32) / 255
    scores = [
        onnxruntime.InferenceSession(path).run(None, {"images": images})[0]
        for path in (DATA / "pytorch_nchw.onnx", tmp_path / "again.onnx")
    ]
    assert np.allclose(*scores, atol=1e-3)
