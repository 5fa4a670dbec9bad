"""Rules convert_model and check_conversion: from published Keras weights to the comparison.

Needs TensorFlow: make test-all. Elsewhere only the message is tested that says so.
"""

import hashlib
import importlib.util
import json

import numpy as np
import onnx
import pytest
from helpers import REPOSITORY, make_classifier, make_images, overlay, run_snakemake
from PIL import Image
from PIL.Image import Resampling
from ptq_comparison.preparation import keras_conversion
from ptq_comparison.preparation.keras_reading import load_keras

TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


def needs_tensorflow(test):
    """Mark a test that converts with the real TensorFlow."""
    missing = pytest.mark.skipif(not TENSORFLOW, reason="TensorFlow is not installed")
    return pytest.mark.conversion(missing(test))


def convert(folder, config, target="results/models/fp32.onnx", options=()):
    files = (overlay(folder / "own.yaml", config),)
    return run_snakemake(folder, target, configfiles=files, options=options)


@pytest.fixture(scope="module")
def published(shared_data, tmp_path_factory):
    """A run from the published weights, as if they had been downloaded, to the reproduction."""
    folder = tmp_path_factory.mktemp("published")
    download = folder / "results/downloads/model/pretrainedResnet.h5"
    download.parent.mkdir(parents=True)
    download.write_bytes((shared_data / "models/pretrainedResnet.h5").read_bytes())
    config = {
        "dataset": {"path": str(shared_data / "cifar10-prefix")},
        "latency": {"measure": False},
        "calibration": {"seeds": 2},
    }
    files = (REPOSITORY / "config/cifar10.yaml", overlay(folder / "own.yaml", config))
    targets = ("results/fp32_eval.json", "results/uint8_eval.json", "results/reproduction.md")
    result = run_snakemake(folder, *targets, configfiles=files)
    assert result.returncode == 0, result.stdout
    return folder


@needs_tensorflow
def test_published_weights_give_the_known_figures(published):
    evaluation = json.loads((published / "results/fp32_eval.json").read_text())
    assert evaluation["accuracy"]["correct"] == 895
    assert evaluation["model"]["nodes"] == 39 and evaluation["model"]["opset"] == 13
    assert evaluation["model"]["bytes"] == pytest.approx(321_606, rel=0.001)
    quantized = json.loads((published / "results/uint8_eval.json").read_text())
    assert quantized["model"]["nodes"] == 130


@needs_tensorflow
def test_the_conversion_is_checked_on_images(published):
    conversion = json.loads((published / "results/models/conversion.json").read_text())
    assert conversion["images"] == 1000 and conversion["same_top1"] == 1.0
    assert conversion["largest_difference"] < 1e-4
    assert conversion["nodes"] == 39
    size = (published / "results/models/converted.onnx").stat().st_size
    assert conversion["bytes"] == size
    assert conversion["versions"]["tf2onnx"] == "1.17.0"


@needs_tensorflow
def test_weights_are_those_of_the_reference_conversion(published, shared_data):
    """Node by node the same operators, and the same numbers in the weights."""
    models = [
        onnx.load(path)
        for path in (published / "results/models/fp32.onnx", shared_data / "models/resnet8.onnx")
    ]
    types = [sorted(node.op_type for node in model.graph.node) for model in models]
    assert types[0] == types[1]
    digests = [
        sorted(
            hashlib.sha256(onnx.numpy_helper.to_array(i).tobytes()).hexdigest()
            for i in model.graph.initializer
        )
        for model in models
    ]
    assert digests[0] == digests[1]


@needs_tensorflow
def test_published_weights_convert_to_the_same_bytes_every_time(published, shared_data):
    """tf2onnx alone numbers its names otherwise on every run, and at times leaves nodes behind."""
    keras_model, _ = load_keras(shared_data / "models/pretrainedResnet.h5")
    expected = onnx.load(published / "results/models/converted.onnx").SerializeToString()
    for _ in range(5):
        model = keras_conversion.convert(keras_model, keras_conversion.OPSET)
        assert model.SerializeToString() == expected


@needs_tensorflow
def test_reproduction_puts_published_and_measured_side_by_side(published):
    page = (published / "results/reproduction.md").read_text()
    assert "87.19 %" in page and "85.58 %" in page and "86.75 %" in page
    assert "1,017" in page and "a part of CIFAR-10" in page
    assert "of 2 draws of 1,000 training images (seeds 42 to 43)" in page


def cells(page):
    """Return the cells of the first table, row by row, without what another CPU may change."""
    table, _, _ = page[page.index("| model") :].partition("\n\n")
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    columns = [name.strip() for name in rows[0]]
    kept = [number for number, name in enumerate(columns) if "measured" not in name]
    kept.remove(columns.index("in the interval"))
    return [[row[number].strip() for number in kept] for row in rows]


@needs_tensorflow
def test_the_page_in_the_docs_is_that_of_a_run(published):
    """Sizes, nodes and published figures are; accuracies of 8 bits depend on the CPU."""
    documented = (REPOSITORY / "docs/reproduce.md").read_text()
    page = (published / "results/reproduction.md").read_text()
    assert cells(documented) == cells(page)
    (row,) = [line for line in page.splitlines() if line.startswith("| fp32")]
    assert row in documented


@needs_tensorflow
def test_a_keras_file_converts_to_the_same_bytes_every_time(tmp_path):
    """`.keras`, the newer format, with another preprocessing and opset."""
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    pooled = keras.layers.GlobalAveragePooling2D()(hidden)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(pooled))
    model.save(tmp_path / "model.keras")
    config = write_data(tmp_path, {"source": "model.keras", "scale": 1 / 255, "opset": 15})
    target = "results/models/converted.onnx"
    contents = []
    for _ in range(2):
        result = convert(tmp_path, config, target, options=("--forceall",))
        assert result.returncode == 0, result.stdout
        contents.append((tmp_path / target).read_bytes())
    assert contents[0] == contents[1]
    assert onnx.load(tmp_path / target).opset_import[0].version == 15


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.h5", b"<html></html>", "convert_model: model.h5: is a page of HTML"),
        ("model.onnx", b"<!DOCTYPE html><html>", "prepare_model: model.onnx: is a page of HTML"),
        ("model.h5", b"version https://git-lfs.github.com/spec/v1", "run git lfs pull"),
        ("model.onnx", b"PK\x05\x06" + bytes(18), "is a compressed archive"),
        ("model.pt", b"\x80\x02}q\x00.", "is a Python pickle"),
    ],
)
def test_what_is_no_model_is_named(tmp_path, name, content, message):
    """Also where TensorFlow is not installed."""
    (tmp_path / name).write_bytes(content)
    result = convert(tmp_path, write_data(tmp_path, {"source": name}))
    assert result.returncode != 0
    assert message in result.stdout, result.stdout
    assert not list(tmp_path.glob("results/models/*"))


def test_a_folder_is_named(tmp_path):
    (tmp_path / "model/variables").mkdir(parents=True)
    (tmp_path / "model/saved_model.pb").write_bytes(b"")
    result = convert(tmp_path, write_data(tmp_path, {"source": "model"}))
    assert result.returncode != 0
    assert (
        "error: config: model.source: model: is a TensorFlow SavedModel; convert" in result.stdout
    )


def test_an_onnx_file_may_have_the_suffix_of_another_kind(tmp_path):
    onnx.save(make_classifier(), tmp_path / "model.h5")
    result = convert(tmp_path, write_data(tmp_path, {"source": "model.h5"}))
    assert result.returncode == 0, result.stdout


@pytest.mark.skipif(TENSORFLOW, reason="TensorFlow is installed")
def test_without_tensorflow_the_remedy_is_named(tmp_path):
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    result = convert(tmp_path, write_data(tmp_path, {"source": "model.h5"}))
    assert result.returncode != 0
    assert "error: convert_model: model.source: model.h5 is a Keras model, and" in result.stdout
    assert "is not installed; run make convert" in result.stdout


@pytest.mark.parametrize(
    ("side", "classes", "message"),
    [
        (9, 3, "takes images of height, width, channels (9, 9, 3) (NHWC), the data set has (8, 8,"),
        (8, 1, "has 2 classes, the data set has 3; use"),
    ],
)
def test_a_model_that_does_not_fit_is_one_line(tmp_path, side, classes, message):
    """The ONNX model is there already: what happens to it is tested, without TensorFlow."""
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    model = make_classifier(side=side)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = classes
    (tmp_path / "results/models").mkdir(parents=True)
    onnx.save(model, tmp_path / "results/models/converted.onnx")
    result = convert(tmp_path, write_data(tmp_path, {"source": "model.h5"}))
    assert result.returncode != 0
    (line,) = {line for line in result.stdout.splitlines() if line.startswith("error: ")}
    assert line.startswith(f"error: check_conversion: model.source {message}"), result.stdout


@needs_tensorflow
def test_visual_wake_words_as_published(shared_data, tmp_path):
    """A file of Keras 2, on photos: as many are right as Keras itself gets on the same pixels.

    Hundreds of its channels are dead, beside biases that their own grids do not hold in uint8.
    """
    tf_keras = pytest.importorskip("tf_keras", reason="tf_keras is not installed")
    source = shared_data / "models/vww_96.h5"
    arrays = {}
    for split in ("train", "test"):
        files = sorted((shared_data / "photos" / split).glob("*/*"))
        pictures = [
            Image.open(file).convert("RGB").resize((96, 96), Resampling.BILINEAR) for file in files
        ]
        labels = np.array([int(file.parent.name == "person") for file in files])
        arrays |= {f"{split}_images": np.stack(pictures), f"{split}_labels": labels}
    np.savez(tmp_path / "photos.npz", **arrays)
    config = {
        "dataset": {"name": "npz", "path": "photos.npz"},
        "model": {"source": str(source), "scale": 1 / 255},
        "calibration": {"samples_per_class": 50},
    }
    files = (overlay(tmp_path / "own.yaml", config),)
    targets = [f"results/{name}_eval.json" for name in ("fp32", "uint8")]
    result = run_snakemake(tmp_path, *targets, configfiles=files)
    assert result.returncode == 0, result.stdout
    pixels = arrays["test_images"].astype(np.float32) / 255
    keras_model = tf_keras.models.load_model(source, compile=False)
    right = int(np.sum(keras_model.predict(pixels).argmax(axis=1) == arrays["test_labels"]))
    evaluation = json.loads((tmp_path / "results/fp32_eval.json").read_text())
    assert evaluation["accuracy"]["correct"] == right == 111
    conversion = json.loads((tmp_path / "results/models/conversion.json").read_text())
    assert conversion["same_top1"] == 1.0 and "tf_keras" in conversion["versions"]
    uint8 = json.loads((tmp_path / "results/uint8_eval.json").read_text())
    provenance = uint8["calibration"]["provenance"]
    assert "kept_in_float" not in provenance and len(provenance["coarser_weights"]) == 9
    assert uint8["model"]["bytes"] < 0.4 * evaluation["model"]["bytes"]
    assert uint8["accuracy"]["correct"] >= right - 4


def write_data(folder, model):
    images, labels = make_images(30, seed=1)
    np.savez(
        folder / "data.npz",
        train_images=images,
        train_labels=labels,
        test_images=images,
        test_labels=labels,
    )
    return {"dataset": {"name": "npz", "path": "data.npz"}, "model": model}
