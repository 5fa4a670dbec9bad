"""A wrong order of classes, and pixels that the model was not trained with, stop the run."""

import json

import numpy as np
import pytest
from helpers import overlay, run_snakemake
from PIL import Image
from ptq_comparison.datasets.cifar10 import read_cifar10

ACCURACY = "results/calibration/fp32_accuracy.json"
RESNET20 = {
    "scale": 1 / 255,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}


def error_line(result):
    assert result.returncode != 0 and "Traceback" not in result.stdout
    (line,) = {line for line in result.stdout.splitlines() if line.startswith("error: ")}
    return line


def exchanged(tiny, folder, first, second):
    """The tiny data set with two labels exchanged."""
    with np.load(tiny / "data.npz") as arrays:
        data = dict(arrays)
    for split in ("train", "test"):
        labels = data[f"{split}_labels"]
        data[f"{split}_labels"] = np.choose(
            labels, [{first: second, second: first}.get(label, label) for label in range(3)]
        )
    np.savez(folder / "data.npz", **data)
    return {"dataset": {"path": str(folder / "data.npz")}}


def test_a_partly_wrong_order_stops_or_warns(tiny, tmp_path):
    content = exchanged(tiny, tmp_path, 0, 1)
    files = (tiny / "config.yaml", overlay(tmp_path / "own.yaml", content))
    line = error_line(run_snakemake(tmp_path, "results/int8_eval.json", configfiles=files))
    assert line.startswith("error: check_accuracy: ") and " look swapped " in line
    assert "set dataset.classes to a file" in line and not (tmp_path / ACCURACY).exists()
    content["acceptance"] = {"suspicious_input": "warn", "min_calibration_accuracy": 0.1}
    files = (tiny / "config.yaml", overlay(tmp_path / "own.yaml", content))
    result = run_snakemake(tmp_path, "results/verification.json", configfiles=files)
    assert result.returncode == 0 and "float32: " in result.stdout
    rows = json.loads((tmp_path / "results/verification.json").read_text())
    assert "suspicious_input" in [row["id"] for row in rows if not row["passed"]]


@pytest.fixture(scope="module")
def folders(shared_data, tmp_path_factory):
    """The CIFAR-10 prefix as folders of images; `car` stands for automobile in the second."""
    dataset = read_cifar10(shared_data / "cifar10-prefix")
    right, wrong = tmp_path_factory.mktemp("right"), tmp_path_factory.mktemp("wrong")
    for name, split in (("train", dataset.train), ("test", dataset.test)):
        for label, folder in enumerate(dataset.class_names):
            (right / name / folder).mkdir(parents=True)
            of_class = np.flatnonzero(split.labels == label)
            for index in of_class[:100] if name == "train" else of_class:
                path = right / name / folder / f"{index}.png"
                Image.fromarray(split.images[index : index + 1][0]).save(path)
        (wrong / name).mkdir()
        for folder in (right / name).iterdir():
            other = "car" if folder.name == "automobile" else folder.name
            (wrong / name / other).symlink_to(folder)
    return right, wrong


def files(folder, data, shared_data, **own):
    content = {
        "dataset": {"name": "image_folder", "path": str(data)},
        "model": {"source": str(shared_data / "models/resnet20.onnx"), **RESNET20},
        "calibration": {"samples": 512},
        **own,
    }
    return (overlay(folder / "own.yaml", content),)


@pytest.mark.slow
def test_real_images_in_folders_of_other_names(shared_data, folders, tmp_path):
    right, wrong = folders
    given = files(tmp_path, wrong, shared_data)
    line = error_line(run_snakemake(tmp_path / "wrong", ACCURACY, configfiles=given))
    assert "'bird' and 'car' look swapped: 'car' sorts behind 'bird'" in line
    given = files(tmp_path, right, shared_data)
    result = run_snakemake(tmp_path / "right", "results/fp32_eval.json", configfiles=given)
    assert result.returncode == 0, result.stdout
    evaluation = json.loads((tmp_path / "right/results/fp32_eval.json").read_text())
    assert evaluation["accuracy"]["correct"] == 932
    assert json.loads((tmp_path / "right" / ACCURACY).read_text())["suspicious"] is None


@pytest.mark.slow
def test_real_images_with_another_preprocessing(shared_data, folders, tmp_path):
    model = {"source": str(shared_data / "models/resnet20.onnx"), "scale": 1 / 255}
    given = files(tmp_path, folders[0], shared_data, model=model)
    line = error_line(run_snakemake(tmp_path, ACCURACY, configfiles=given))
    assert "the preprocessing looks wrong: torchvision gives" in line
