"""The published model on real images: the first 1,017 images of every CIFAR-10 batch."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from archspec.cpu.detect import detected_info
from helpers import REPOSITORY, overlay, run_snakemake
from helpers.shared_runs import copy_run
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.calibrate import create_calibrator
from ptq_comparison.calibration.calibrate import calibrate
from ptq_comparison.datasets.cifar10 import read_cifar10
from ptq_comparison.inference.batches import Batches
from tqdm import tqdm

pytestmark = pytest.mark.slow  # all of its runs are on real data

TYPES = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}


@pytest.fixture(scope="module")
def run(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar10")
    config = {
        "dataset": {"path": str(shared_data / "cifar10-prefix")},
        "model": {"source": str(shared_data / "models/resnet8.onnx")},
        "latency": {"measure": False},  # minutes, with the models of `variants`
    }
    files = (REPOSITORY / "config/cifar10.yaml", overlay(folder / "prefix.yaml", config))
    targets = [f"results/{model}_eval.json" for model in ("fp32", *TYPES)]
    result = run_snakemake(folder, *targets, configfiles=files)
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


VARIANTS = {
    "u8s8_pc": {"activation_type": "QUInt8", "weight_type": "QInt8", "per_channel": True},
    "u8s8_reduced": {"activation_type": "QUInt8", "weight_type": "QInt8", "reduce_range": True},
    "u8s8_pc_reduced": {
        "activation_type": "QUInt8",
        "weight_type": "QInt8",
        "per_channel": True,
        "reduce_range": True,
    },
    "int8_reduced": {"activation_type": "QInt8", "weight_type": "QInt8", "reduce_range": True},
    "uint8_reduced": {"activation_type": "QUInt8", "weight_type": "QUInt8", "reduce_range": True},
    "uint8_pc_reduced": {
        "activation_type": "QUInt8",
        "weight_type": "QUInt8",
        "per_channel": True,
        "reduce_range": True,
    },
}
SAFE = (
    "uint8",
    "u8s8_reduced",
    "u8s8_pc_reduced",
    "int8_reduced",
    "uint8_reduced",
    "uint8_pc_reduced",
)


@pytest.fixture(scope="module")
def variants(run, shared_data, tmp_path_factory):
    """The run with more dtypes; what is there already is not made again."""
    folder = tmp_path_factory.mktemp("variants") / "run"
    copy_run(run, folder)
    extra = overlay(folder / "extra.yaml", {"quantization": {"extra_dtypes": VARIANTS}})
    files = (REPOSITORY / "config/cifar10.yaml", folder / "prefix.yaml", extra)
    targets = ("results/comparison.csv", "results/comparison.md")
    result = run_snakemake(folder, *targets, configfiles=files)
    assert result.returncode == 0, result.stdout
    return folder


def test_saturation_is_caught_on_a_cpu_without_vnni_and_nowhere_else(variants):
    """int8 is caught as well: onnxruntime runs four of its convolutions, the first on raw pixels
    among them, with unsigned activations and signed weights."""
    table = pd.read_csv(variants / "results/comparison.csv", index_col="model")
    features = set(detected_info().features)
    saturating = "sse2" in features and not features & {"avx512_vnni", "avx_vnni"}
    for model in table.index.drop("fp32"):
        caught = table.loc[model, "saturation_changed"] > 0.01
        assert caught == (saturating and model not in SAFE), model
        if not caught:
            assert table.loc[model, "saturation_pp"] == 0
    warned = "Warning: saturation" in (variants / "results/comparison.md").read_text()
    assert warned == saturating


CHECK = """
import json, sys
from pathlib import Path
import numpy as np
from ptq_comparison.datasets.stored import open_images
from ptq_comparison.evaluation.saturation import predict_exactly
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, predict_scores
from ptq_comparison.model.loading import load_model
from tqdm import tqdm

results, checks = Path(sys.argv[1]), {}
images = open_images(results / "dataset/test_images.npy")[:60]
progress = tqdm(disable=True)
for name in sys.argv[2:]:
    model = load_model(results / "models" / f"{name}.onnx")
    batches = Batches.of(images, model, {"layout": "auto"}, 20)
    predicted = predict_scores(make_session(model, 1), batches, 10, progress).argmax(axis=1)
    check, exact = predict_exactly(model, batches, 10, 1, progress)
    changed = 0.0 if exact is None else float(np.mean(predicted != exact))
    checks[name] = {**check, "changed": changed}
print(json.dumps(checks))
"""


@pytest.mark.valgrind
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind")
def test_saturation_on_an_emulated_cpu_without_vnni(variants):
    """valgrind's CPU has AVX2 and no AVX-512: its int8 answers are those of a real one.

    One process checks all models, since its imports take long.
    """
    models = ("u8s8_pc", "int8", "uint8", "u8s8_pc_reduced")
    output = subprocess.run(
        [
            "valgrind",
            "--quiet",
            "--tool=none",
            sys.executable,
            "-c",
            CHECK,
            str(variants / "results"),
            *models,
        ],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow/scripts")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    checks = json.loads(output)
    assert set(checks) == set(models)
    for model, check in checks.items():
        assert (check["changed"] > 0.01) == (model not in SAFE), model
        saturates = bool(check["saturating_operators"])
        assert saturates == check["checked"] == (model not in SAFE), model


def test_a_wrong_channel_order_is_caught(shared_data, tmp_path):
    """With blue and red swapped ResNet8 is still far above chance, but below the config's floor."""
    dataset = read_cifar10(shared_data / "cifar10-prefix")
    arrays = {}
    for name in ("train", "test"):
        split = getattr(dataset, name)
        arrays[f"{name}_images"] = np.asarray(split.images[:])[..., ::-1]
        arrays[f"{name}_labels"] = split.labels
    np.savez(tmp_path / "swapped.npz", class_names=np.array(dataset.class_names), **arrays)
    config = {
        "dataset": {"name": "npz", "path": "swapped.npz", "sha256": None},
        "model": {"source": str(shared_data / "models/resnet8.onnx")},
    }
    files = (REPOSITORY / "config/cifar10.yaml", overlay(tmp_path / "own.yaml", config))
    result = run_snakemake(tmp_path, "results/uint8_eval.json", configfiles=files)
    assert result.returncode != 0
    assert "calibration images right" in result.stdout
    assert not (tmp_path / "results/calibration/ranges.json").exists()


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("Percentile", {"percentile": 99.999, "num_bins": 2048}),
        ("Entropy", {"num_bins": 512, "num_quantized_bins": 128}),
    ],
)
def test_ranges_equal_those_of_onnxruntime_given_all_at_once(
    run, shared_data, tmp_path, method, options
):
    images = np.load(run / "results/calibration/samples.npy")[:200]
    path = shared_data / "models/resnet8.onnx"
    calibrator = create_calibrator(
        path,
        None,
        str(tmp_path / "augmented.onnx"),
        CalibrationMethod[method],
        extra_options=options,
    )
    calibrator.collect_data(AllAtOnce(images))
    expected = calibrator.compute_data()
    model = onnx.load(path)
    batches = Batches.of(images, model, {"layout": "auto"}, 32)  # the last batch has 8
    ranges = calibrate(model, batches, method, options, tqdm(disable=True))
    minmax = calibrate(model, batches, "MinMax", {}, tqdm(disable=True))
    narrower = 0
    for name, data in ranges.items():
        low, high = np.ravel(expected[name].range_value)
        assert np.abs(np.ravel(data.range_value) - (low, high)).max() <= 1e-5 * (high - low), name
        narrower += np.ptp(np.ravel(data.range_value)) < 0.99 * np.ptp(
            np.ravel(minmax[name].range_value)
        )
    assert narrower > 5  # of 40 tensors: the method does something


class AllAtOnce(CalibrationDataReader):
    def __init__(self, images):
        self.inputs = iter([{"input": images.astype(np.float32)}])

    def get_next(self):
        return next(self.inputs, None)


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
    archive = tmp_path / "results/downloads/dataset/cifar.tar.gz"
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
    assert "error: prepare_dataset: dataset.sha256: results/downloads/dataset/cifar.tar.gz has" in (
        result.stdout
    )
    assert not (tmp_path / target).exists()
