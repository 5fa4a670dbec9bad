"""The published model on real images: the first 1,017 images of every CIFAR-10 batch."""

import hashlib
import json
import tarfile

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import REPOSITORY, overlay, run_snakemake
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from ptq_comparison.datasets.cifar10 import read_cifar10

TYPES = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}


@pytest.fixture(scope="module")
def run(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar10")
    config = {
        "dataset": {"path": str(shared_data / "cifar10-prefix")},
        "model": {"source": str(shared_data / "models/resnet8.onnx")},
    }
    files = (REPOSITORY / "config/cifar10.yaml", overlay(folder / "prefix.yaml", config))
    result = run_snakemake(folder, "all", configfiles=files)
    assert result.returncode == 0, result.stdout
    return folder


def read(folder, model):
    return json.loads((folder / f"results/{model}_eval.json").read_text())


def test_fp32_is_exactly_the_known_figure(run):
    evaluation = read(run, "fp32")
    assert evaluation["accuracy"]["correct"] == 895
    assert evaluation["accuracy"]["total"] == 1017
    assert evaluation["model"]["nodes"] == 39
    assert evaluation["model"]["bytes"] == 321606


@pytest.mark.parametrize(("model", "size"), [("int8", 125525), ("uint8", 125315)])
def test_quantized_models_have_the_known_size(run, model, size):
    evaluation = read(run, model)
    assert evaluation["model"]["nodes"] == 130
    assert evaluation["model"]["bytes"] == pytest.approx(size, rel=0.01)
    assert evaluation["calibration"]["images"] == 1000
    assert evaluation["calibration"]["per_class"] == 100


class OneByOne(CalibrationDataReader):
    def __init__(self, images):
        self.images = iter(images)

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {"input": image[None].astype(np.float32)}


@pytest.mark.parametrize("model", ["int8", "uint8"])
def test_predictions_equal_a_plain_script(run, shared_data, tmp_path, model):
    """Image by image the same as quantize_static on the listed images and a plain loop."""
    dataset = read_cifar10(shared_data / "cifar10-prefix")
    samples = np.loadtxt(run / "results/calibration/samples.csv", int, delimiter=",", skiprows=1)
    assert np.array_equal(dataset.train.labels[samples[:, 0]], samples[:, 1])
    source = tmp_path / "resnet8.onnx"
    source.write_bytes((shared_data / "models/resnet8.onnx").read_bytes())
    quantize_static(
        source,
        tmp_path / "plain.onnx",
        OneByOne(dataset.train.images[samples[:, 0]]),
        quant_format=QuantFormat.QDQ,
        activation_type=TYPES[model],
        weight_type=TYPES[model],
    )
    session = onnxruntime.InferenceSession(tmp_path / "plain.onnx")
    predicted = [
        session.run(None, {"input": image[None].astype(np.float32)})[0].argmax()
        for image in dataset.test.images
    ]
    with np.load(run / f"results/predictions/{model}.npz") as predictions:
        assert np.array_equal(predictions["predicted"], predicted)
        assert np.array_equal(predictions["labels"], dataset.test.labels)


def test_preprocessing_folds_batch_normalization(run, shared_data, tmp_path):
    config = {
        "dataset": {"path": str(shared_data / "cifar10-prefix")},
        "model": {"source": str(shared_data / "models/resnet8.onnx")},
        "quantization": {"preprocess": True, "dtypes": ["uint8"]},
    }
    files = (REPOSITORY / "config/cifar10.yaml", overlay(tmp_path / "prefix.yaml", config))
    result = run_snakemake(tmp_path, "results/uint8_eval.json", configfiles=files)
    assert result.returncode == 0, result.stdout
    before, after = (
        {node.op_type for node in onnx.load(tmp_path / f"results/models/{name}.onnx").graph.node}
        for name in ("fp32", "preprocessed")
    )
    assert "Mul" in before - after
    assert read(tmp_path, "uint8")["model"]["nodes"] < 130
    # The baseline stays the model as it was given.
    assert read(tmp_path, "uint8")["baseline"]["correct"] == 895
    # Fewer tensors are rounded, so the predictions come closer to float32.
    agreement = read(run, "uint8")["baseline"]["agreement"]
    assert read(tmp_path, "uint8")["baseline"]["agreement"] > agreement


def test_an_archive_placed_by_hand_replaces_the_download(shared_data, tmp_path):
    """Its sum is checked: the url leads nowhere, and a second file with another sum is refused."""
    archive = tmp_path / "results/downloads/cifar.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(shared_data / "cifar10-prefix/cifar-10-batches-py", arcname="cifar")
    config = {
        "dataset": {
            "url": "http://127.0.0.1:9/cifar.tar.gz",
            "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        }
    }
    files = (REPOSITORY / "config/cifar10.yaml", overlay(tmp_path / "own.yaml", config))
    target = "results/dataset/dataset.json"
    result = run_snakemake(tmp_path, target, configfiles=files)
    assert result.returncode == 0, result.stdout
    assert json.loads((tmp_path / target).read_text())["splits"]["test"]["images"] == 1017
    archive.write_bytes(archive.read_bytes() + b"0")
    result = run_snakemake(tmp_path, target, configfiles=files)
    assert result.returncode != 0
    assert "error: prepare_dataset: dataset.sha256: results/downloads/cifar.tar.gz has" in (
        result.stdout
    )
    assert not (tmp_path / target).exists()
