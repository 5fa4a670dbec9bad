"""Photos of all sizes through the workflow, decoded once or whenever they are used."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import CLASSES, MEAN, STD, make_classifier, overlay, run_snakemake
from PIL import Image

TARGETS = ("results/fp32_eval.json", "results/verification.json")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """JPEG files of three classes, in which one channel is a little brighter, and a model."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 30)):
        for label, name in enumerate(CLASSES):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                height, width = generator.integers(10, 40, 2)
                pixels = generator.integers(0, 200, (height, width, 3))
                pixels[..., label] += 8
                image = Image.fromarray(pixels.astype(np.uint8))
                image.save(folder / split / name / f"{number:02}.jpg", quality=90)
    onnx.save(make_classifier("NCHW"), folder / "model.onnx")
    return folder


def config(photos, folder, dataset=(), model=(), **settings):
    content = {
        "dataset": {"name": "image_folder", "path": str(photos), **dict(dataset)},
        "model": {"source": str(photos / "model.onnx"), "preset": "torchvision", **dict(model)},
        "calibration": {"samples_per_class": 10},
        "quantization": {"dtypes": ["int8"]},
        "latency": {"measure": False},
        # The model is tiny, and was made for other pixels.
        "acceptance": {
            "min_size_reduction": None, "min_calibration_accuracy": 0, "suspicious_input": "warn",
        },
        **settings,
    }  # fmt: skip
    return overlay(folder / "own.yaml", content)


def run(photos, folder, *targets, options=(), **settings):
    configfiles = (config(photos, folder, **settings),)
    return run_snakemake(folder, *targets, configfiles=configfiles, options=options)


def independent_scores(photos):
    """What torchvision's transforms and onnxruntime make of the test photos: 9 pixels, cut to 8."""
    session = onnxruntime.InferenceSession(str(photos / "model.onnx"))
    scores = []
    for name in sorted(CLASSES):
        for file in sorted((photos / "test" / name).iterdir()):
            image = Image.open(file)
            short, (width, height) = min(image.size), image.size
            image = image.resize(
                (int(9 * width / short), int(9 * height / short)), Image.Resampling.BILINEAR
            )
            top, left = round((image.height - 8) / 2), round((image.width - 8) / 2)
            pixels = np.asarray(image)[top : top + 8, left : left + 8].astype(np.float32)
            values = (pixels / np.float32(255) - np.float32(MEAN)) / np.float32(STD)
            (made,) = session.run(None, {"image": values.transpose(2, 0, 1)[None]})
            scores.append(made[0])
    return np.array(scores)


def test_both_ways_to_store_give_what_an_independent_script_gives(photos, tmp_path):
    found = {}
    for store in ("files", "decoded"):
        result = run(photos, tmp_path, *TARGETS, dataset={"store": store})
        assert result.returncode == 0, result.stdout
        results = tmp_path / "results"
        with np.load(results / "predictions/fp32.npz") as arrays:
            found[store] = dict(arrays)
        description = json.loads((results / "dataset/dataset.json").read_text())
        assert description["splits"]["train"]["stored"] == store
        assert description["image_shape"] == [8, 8, 3]
        for split in ("train", "test"):
            stored = np.load(results / f"dataset/{split}_images.npy")
            assert (stored.dtype.fields is None) == (store == "decoded")
        evaluation = json.loads((results / "fp32_eval.json").read_text())
        assert evaluation["dataset"]["geometry"] == description["geometry"]
        assert description["geometry"] | {"resize": 9, "crop": [8, 8]} == description["geometry"]
        (disjoint,) = (
            row
            for row in json.loads((results / "verification.json").read_text())
            if row["id"] == "disjoint"
        )
        assert disjoint["passed"]
    for name, array in found["files"].items():
        assert np.array_equal(array, found["decoded"][name]), name
    expected = independent_scores(photos)
    assert np.allclose(found["files"]["scores"], expected, atol=1e-6)
    assert np.array_equal(found["files"]["predicted"], expected.argmax(axis=1))
    # What is done to the images is a part of what was asked for.
    result = run(
        photos,
        tmp_path,
        *TARGETS,
        dataset={"store": "decoded", "interpolation": "nearest"},
        options=("--dry-run",),
    )
    for rule in ("prepare_dataset", "sample_calibration", "calibrate", "predict", "evaluate"):
        assert f"rule {rule}:" in result.stdout
    result = run(photos, tmp_path, *TARGETS, dataset={"store": "decoded"}, options=("--dry-run",))
    assert "Nothing to be done" in result.stdout


def refused(photos, folder, **settings):
    result = run(photos, folder, "results/dataset/dataset.json", **settings)
    assert result.returncode != 0
    return result.stdout


def test_photos_without_a_size_name_the_remedy(photos, tmp_path):
    output = refused(photos, tmp_path, model={"preset": None})
    line = "; all must be equal: set dataset.resize or model.preset"
    assert "error: prepare_dataset: dataset.path: training images have the shape" in output
    assert line in output


def test_a_model_for_any_size_names_the_remedy(photos, tmp_path):
    model = make_classifier("NCHW")
    for size in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        size.Clear()
    onnx.save(model, tmp_path / "any.onnx")
    source = {"source": str(tmp_path / "any.onnx")}
    output = refused(photos, tmp_path, model=source)
    assert "error: prepare_dataset: model.source: takes images of any size" in output
    assert "set dataset.resize and dataset.crop" in output
    settings = {"dataset": {"resize": 9, "crop": 8}, "model": source}
    result = run(photos, tmp_path, "results/dataset/dataset.json", **settings)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("dataset", "model", "line"),
    [
        (
            {"name": "shapes", "path": None, "resize": 8},
            {},
            "dataset.resize: shapes has decoded",
        ),
        ({"name": "npz", "store": "files"}, {}, "dataset.store: npz has decoded images"),
        ({"name": "npz", "channels": "grey"}, {}, "dataset.channels: npz has decoded images"),
        ({"pad": 0, "resize": 8}, {}, "dataset.pad: there is no size to pad to"),
        ({}, {"preset": "torchvison"}, "model.preset: torchvison: no such file; allowed: torchv"),
    ],
)
def test_keys_that_do_not_go_together_stop_before_any_job(photos, tmp_path, dataset, model, line):
    output = refused(photos, tmp_path, dataset=dataset, model=model)
    assert line in output and "rule prepare_dataset" not in output


def test_a_preset_sets_the_values_of_arrays_alone(tiny, tmp_path):
    settings = {
        "dataset": {"name": "npz", "path": str(tiny / "data.npz"), "channels": "BGR"},
        "model": {"source": str(tiny / "model.onnx"), "preset": "keras-tf"},
    }
    result = run(tiny, tmp_path, "results/dataset/dataset.json", **settings)
    assert result.returncode == 0, result.stdout
    description = json.loads((tmp_path / "results/dataset/dataset.json").read_text())
    assert description["geometry"] is None and description["image_shape"] == [8, 8, 3]
