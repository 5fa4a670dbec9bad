"""Kinds of model files, told by their first bytes."""

import io
import zipfile

import numpy as np
import onnx
import pytest
from helpers import make_classifier
from ptq_comparison.common.errors import UserError
from ptq_comparison.model.file_kind import check_kind, file_kind, is_keras, refuse_folder
from ptq_comparison.model.loading import load_model


def zipped(*names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return content.getvalue()


def npy():
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue()


HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)
# Names in archives are those that torch 2.13 and Keras 3.15 write.
KINDS = {
    "HDF5": HDF5,
    "Keras zip": zipped("metadata.json", "config.json", "model.weights.h5"),
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n",
    "HTML": b"\n<!DOCTYPE html>\n<html lang='en'>",
    "TFLite": b"\x1c\0\0\0TFL3" + bytes(100),
    "PyTorch": zipped("model/data.pkl", "model/byteorder", "model/data/0", "model/version"),
    "TorchScript": zipped("m/data.pkl", "m/code/__torch__/torch/nn.py", "m/constants.pkl"),
    "exported program": zipped("e/data/weights/weight_0", "e/models/model.json", "e/byteorder"),
    "pickle": b"\x80\x04\x95" + bytes(100),
    "safetensors": (50).to_bytes(8, "little") + b'{"weight":{"dtype":"F32"' + bytes(100),
    "JSON": b'{"class_name": "Sequential"',
    "NumPy": npy(),
    "archive": zipped("readme.txt"),
}
OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_told_whatever_the_suffix(tmp_path, kind):
    for suffix in (".onnx", ".h5", ".keras", ".bin"):
        path = tmp_path / f"model{suffix}"
        path.write_bytes(KINDS[kind])
        assert file_kind(path) == kind
        assert is_keras(path, is_there=True) == (
            KINDS[kind].startswith((b"PK", b"\x89HDF")) or suffix in (".h5", ".keras")
        )
        if kind not in ("HDF5", "Keras zip"):
            with pytest.raises(UserError, match=r"^[^\n;]+: (is|holds) [^\n]+; [^\n]+$"):
                check_kind(path, keras=True)


def test_other_forms_of_a_kind(tmp_path):
    path = tmp_path / "model.pb"
    for content, kind in (
        (OLD_TORCH, "PyTorch"),
        (b"\x1f\x8b\x08" + bytes(20), "archive"),
        (zipped("saved_model.pb", "variables/variables.index"), "SavedModel"),
        (b"\x08\x01\x12\xc0", "SavedModel"),
        (b"\n\x1b\n\x05input\x12\x0bPlaceholder", "frozen graph"),
        (KINDS["Keras zip"][:40], "Keras zip"),  # cut short
    ):
        path.write_bytes(content)
        assert file_kind(path) == kind


def test_an_onnx_file_is_one_under_any_name(tmp_path):
    for name in ("model.onnx", "model.h5", "model.keras", "model.pb", "model"):
        path = tmp_path / name
        onnx.save(make_classifier(), path)
        assert file_kind(path) is None and not is_keras(path, is_there=True)
        check_kind(path)
        load_model(path)


def test_a_file_that_is_not_there_is_told_by_its_suffix(tmp_path):
    for name, expected in (("a.h5", True), ("a.HDF5", True), ("a.keras", True), ("a.onnx", False)):
        assert is_keras(tmp_path / name, is_there=False) == expected


def test_keras_among_onnx_is_refused(tmp_path):
    """From the web: by its name it was taken for ONNX."""
    path = tmp_path / "model"
    path.write_bytes(HDF5)
    with pytest.raises(UserError, match="looks like a Keras file; download it, and give its path"):
        load_model(path)


def test_a_download_may_be_deleted(tmp_path):
    path = tmp_path / "results/downloads/model/model.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(KINDS["HTML"])
    with pytest.raises(UserError, match="; delete it, since it is not downloaded again"):
        check_kind(path)


def test_folders(tmp_path):
    assert "is a folder; give the ONNX or Keras file in it" in refuse_folder(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert "is a TensorFlow SavedModel; convert it with" in refuse_folder(tmp_path)
