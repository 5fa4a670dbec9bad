"""A model that PyTorch exported (NCHW), on an image folder, with torchvision's normalization."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from helpers import CLASSES, MEAN, REPOSITORY, STD, make_images, overlay, run_snakemake
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


def test_accuracy_equals_a_plain_script(tmp_path):
    write_images(tmp_path / "images")
    config = {
        "dataset": {"name": "image_folder", "path": "images"},
        "model": {
            "source": str(DATA / "pytorch_nchw.onnx"),
            "scale": 1 / 255,
            "mean": MEAN,
            "std": STD,
        },
        "calibration": {"samples_per_class": 10},
        "acceptance": {"min_size_reduction": None},
    }
    files = (overlay(tmp_path / "own.yaml", config),)
    result = run_snakemake(tmp_path, "all", "gate", configfiles=files)
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
