"""Keras files of strangers: each is refused in one line, and no code in it runs."""

import importlib.util
import io
import json
import zipfile

import numpy as np
import pytest
from helpers import make_images, overlay, run_snakemake
from ptq_comparison.common.errors import UserError
from ptq_comparison.preparation.keras_conversion import OPSET, convert, load_keras

MISSING = importlib.util.find_spec("tensorflow") is None
pytestmark = [
    pytest.mark.conversion,
    pytest.mark.skipif(MISSING, reason="TensorFlow is not installed"),
]


def saved(model, folder):
    model.save(folder / "genuine.keras")
    return (folder / "genuine.keras").read_bytes()


def changed(content, change):
    """Return a `.keras` file with the text of its configuration changed."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "config.json":
                part = change(part.decode()).encode()
            new.writestr(name, part, zipfile.ZIP_DEFLATED)
    return result.getvalue()


@pytest.fixture
def contents(tmp_path):
    """Contents by file name."""
    import keras

    inputs = keras.Input((8, 8, 3))
    flat = keras.layers.Flatten()(inputs)
    genuine = saved(keras.Model(inputs, keras.layers.Dense(3, name="dense")(flat)), tmp_path)
    doubled = keras.layers.Lambda(lambda values: 2 * values)(flat)
    with_code = saved(keras.Model(inputs, doubled), tmp_path)
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("readme.txt", "no model")
    return {
        "empty.keras": b"",
        "empty.h5": b"",
        "page.keras": b"<html></html>",
        "page.h5": b"<html></html>",
        "head.h5": b"\x89HDF\r\n\x1a\n" + bytes(2000),
        "noise.h5": b"\x89HDF\r\n\x1a\n" + np.random.default_rng(0).bytes(5000),
        "half.keras": genuine[: len(genuine) // 2],
        "other.keras": empty.getvalue(),
        "lambda.keras": with_code,
        "class.keras": changed(genuine, lambda text: text.replace('"Dense"', '"Stranger"')),
        "module.keras": changed(genuine, lambda text: text.replace('"keras.layers"', '"os"')),
        "text.keras": changed(genuine, lambda text: "not JSON"),
        "deep.keras": changed(genuine, lambda text: "[" * 100_000),
        "shape.keras": changed(genuine, lambda text: text.replace("[null, 8, 8, 3]", "[-1]")),
        "units.keras": changed(genuine, lambda text: text.replace('"units": 3', '"units": -3')),
        "large.keras": changed(
            genuine, lambda text: text.replace('"units": 3', '"units": 10000000')
        ),
        "bomb.keras": changed(genuine, lambda text: json.dumps({"a": "0" * 10**8})),
    }


def test_keras_files_are_refused_in_one_line(contents, tmp_path, tally):
    lost = {}
    del contents["large.keras"]
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        try:
            convert(load_keras(path), OPSET)
        except UserError as error:
            if "; save it again" not in str(error) or "\n" in str(error):
                lost[name] = str(error)
        except Exception as error:  # what is tested for
            lost[name] = repr(error)
        else:
            lost[name] = "converted"
    tally("hostile Keras files", len(contents), len(contents) - len(lost))
    assert not lost


def test_a_layer_of_many_gigabytes_is_ended(contents, tmp_path, tally):
    """By the limits of the job."""
    (tmp_path / "model.keras").write_bytes(contents["large.keras"])
    images, labels = make_images(30, seed=1)
    names = ("train_images", "train_labels", "test_images", "test_labels")
    np.savez(tmp_path / "data.npz", **dict(zip(names, (images, labels) * 2, strict=True)))
    config = {
        "dataset": {"name": "npz", "path": "data.npz"},
        "model": {"source": "model.keras", "max_gb": 6},
    }
    files = (overlay(tmp_path / "own.yaml", config),)
    result = run_snakemake(tmp_path, "results/models/converted.onnx", configfiles=files)
    lines = {line for line in result.stdout.splitlines() if line.startswith("error: ")}
    survived = len(lines) == 1 and "needs more than 6.0 GB; if you trust it, raise" in "".join(
        lines
    )
    tally("hostile Keras files", 1, survived)
    assert survived, result.stdout
