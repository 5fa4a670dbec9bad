"""What is packed for a device."""

import json

import numpy as np
import onnx
import pytest
from helpers import RAW, Quantizer, make_classifier, make_images, make_pixel_classifier
from helpers.bundles import make_bundle
from ptq_comparison.common.files import sha256_file
from ptq_comparison.device.manifest import open_bundle
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.saturating import saturating_operators
from ptq_comparison.inference.session import make_session, predict_scores, predicted_classes
from tqdm import tqdm


def predict(model, images, size=7):
    batches = Batches.of(images, model, RAW, size)
    scores = predict_scores(make_session(model, 1), batches, 3, tqdm(disable=True))
    return predicted_classes(scores)


@pytest.mark.parametrize(
    "model",
    [
        make_classifier(),
        make_classifier("NCHW"),
        make_classifier(batch=3),
        make_pixel_classifier("NHWC"),
    ],
)
def test_the_manifest_makes_the_inputs_that_the_workflow_makes(model, tmp_path):
    bundle = open_bundle(make_bundle(tmp_path, {"fp32": model}))
    (entry,) = bundle.manifest["models"]
    own = [batch.inputs for batch in bundle.inputs(entry)]
    expected = Batches.of(bundle.images, model, RAW, entry["batch_size"])
    for one, other in zip(own, expected, strict=True):
        assert one.keys() == other.inputs.keys()
        assert all(np.array_equal(one[key], other.inputs[key]) for key in one)
    assert np.array_equal(bundle.expected["fp32"], predict(model, bundle.images))


def test_every_file_has_its_sum(tmp_path):
    folder = make_bundle(tmp_path, {"fp32": make_classifier(), "recipes/a_b": make_classifier()})
    manifest = json.loads((folder / "bundle.json").read_text())
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert files == {*manifest["files"], "bundle.json"}
    for name, sha256 in manifest["files"].items():
        assert sha256_file(folder / name) == sha256
    assert [model["path"] for model in manifest["models"]] == [
        "models/fp32.onnx",
        "models/recipes/a_b.onnx",
    ]


def test_models_whose_sums_can_saturate_have_a_twin_that_does_not(tmp_path):
    model, (images, _) = make_classifier(), make_images(60, seed=1)
    quantize = Quantizer(model, Batches.of(images, model, RAW, 20), tmp_path)
    int8 = quantize(model)
    folder = make_bundle(tmp_path, {"fp32": model, "int8": int8})
    fp32, other = json.loads((folder / "bundle.json").read_text())["models"]
    assert "exact" not in fp32
    assert ("exact" in other) == bool(saturating_operators(int8))
    if "exact" in other:
        exact = onnx.load(folder / other["exact"])
        assert np.array_equal(predict(exact, images), predict(int8, images))
