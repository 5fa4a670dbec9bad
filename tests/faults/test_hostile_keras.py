"""Keras files of strangers: each is refused in one line, and no code in it runs."""

import importlib.util
import io
import json
import zipfile

import numpy as np
import pytest
from helpers import make_images, overlay, run_snakemake
from ptq_comparison.common.errors import UserError
from ptq_comparison.preparation.keras_conversion import OPSET, convert
from ptq_comparison.preparation.keras_reading import load_keras

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


# What the line has to say, of each kind of file.
TOLD = {
    "empty.keras": "is no Keras file",
    "empty.h5": "is no Keras file",
    "page.keras": "is a page of HTML",
    "page.h5": "is a page of HTML",
    "head.h5": "is no whole Keras file (OSError:",
    "noise.h5": "is no whole Keras file (OSError:",
    "half.keras": "is no whole Keras file (BadZipFile:",
    "other.keras": "is a compressed archive",
    "lambda.keras": "may hold code",
    "class.keras": "class Stranger is not a part of Keras",
    "module.keras": "is of the module 'os'",
    "text.keras": "is no whole Keras file (JSONDecodeError:",
    "deep.keras": "is no whole Keras file (RecursionError:",
    "shape.keras": "cannot read this file of Keras 3",
    "units.keras": "cannot read this file of Keras 3",
    "bomb.keras": "its config.json has more than 50,000,000 bytes",
}


def test_keras_files_are_refused_in_one_line(contents, tmp_path, tally):
    lost = {}
    del contents["large.keras"]
    assert set(contents) == set(TOLD)
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        try:
            convert(load_keras(path), OPSET)
        except UserError as error:
            line = str(error)
            if not line.startswith(f"{path}: ") or TOLD[name] not in line or "\n" in line:
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


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_code_of_a_model_is_refused(tmp_path, tally, suffix, library):
    keras = pytest.importorskip(library)
    mark = tmp_path / "was run"
    name = str(mark)  # Keras can save no Path
    code = keras.layers.Lambda(lambda x: (open(name, "w").close(), x)[1], output_shape=(4,))
    model = keras.Sequential([keras.Input((4,)), code])
    path = tmp_path / f"model{suffix}"
    model.save(path)
    code.function(0)  # what would be seen
    mark.unlink()
    with pytest.raises(UserError, match=r"layer 'lambda.*' \('Lambda'\) may hold code"):
        load_keras(path)
    tally("code in Keras models", 1, not mark.exists())
    assert not mark.exists()


def test_weights_outside_of_the_file_are_refused(tmp_path, tally):
    """HDF5 may name another file, whose bytes would come out as weights."""
    import h5py

    (tmp_path / "secret").write_bytes(bytes(64))
    (tmp_path / "other.h5").write_bytes(b"")
    for kind in ("dataset", "link"):
        path = tmp_path / f"{kind}.h5"
        with h5py.File(path, "w") as file:
            file.attrs["model_config"] = "{}"
            if kind == "dataset":
                external = [(str(tmp_path / "secret"), 0, 64)]
                file.create_dataset("kernel", (16,), "float32", external=external)
            else:
                file["kernel"] = h5py.ExternalLink(tmp_path / "other.h5", "/kernel")
        with pytest.raises(UserError, match=r"'kernel' (is a link|lies in another file)"):
            load_keras(path)
    tally("hostile Keras files", 2, 2)
