"""What kind of file a model lies in, by its first bytes: a suffix may be wrong, or missing.

Snakemake asks while it reads the rules, so that nothing but the standard library is imported.
"""

import re
import zipfile
from pathlib import Path

from ptq_comparison.common.address import DELETE, is_downloaded
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import PATH, named

HDF5, KERAS_ZIP = "HDF5", "Keras zip"
KERAS_SUFFIXES = (".h5", ".hdf5", ".keras")
EXPORTED = ("models/model.json", "serialized_exported_program.json")  # the end of a name in .pt2
HEAD = 512  # bytes that are looked at

GIVE_ONNX = "and give the ONNX file (docs/how-to.md)"
TORCH = f"export it with torch.onnx.export where its Python code is, {GIVE_ONNX}"
SAVED_MODEL = (
    "is a TensorFlow SavedModel",
    f"convert it with python -m tf2onnx.convert --saved-model FOLDER --output model.onnx, "
    f"{GIVE_ONNX}",
)
# What is told, and what helps. The texts are those of one line: "<file>: <what>; <remedy>".
REFUSED = {
    "Git LFS": (
        "is a pointer of Git LFS, not the file itself",
        "run git lfs pull, or take the address that the file itself has",
    ),
    "HTML": (
        "is a page of HTML, not a model",
        "download the file itself, as the raw address of a forge gives it",
    ),
    "TFLite": (
        "is a TFLite model, which is mostly quantized already",
        "give the float32 model that it was made from, as ONNX or Keras",
    ),
    "frozen graph": (
        "is a frozen graph of TensorFlow 1",
        "convert it with python -m tf2onnx.convert --graphdef FILE --inputs NAME:0 --outputs "
        f"NAME:0 --output model.onnx, {GIVE_ONNX}",
    ),
    "SavedModel": SAVED_MODEL,
    "TorchScript": ("is a TorchScript model", TORCH),
    "PyTorch": ("is a file of PyTorch, in which the network is Python code", TORCH),
    "exported program": (
        "is a program of torch.export",
        f"convert it with torch.onnx.export(torch.export.load(FILE), f='model.onnx'), {GIVE_ONNX}",
    ),
    "pickle": ("is a Python pickle, which is not read since it can run any code", TORCH),
    "safetensors": ("is a file of safetensors, which holds weights without a network", TORCH),
    "JSON": (
        "is JSON, which holds no weights",
        "give the file of the model itself; Keras writes one by model.save('model.keras')",
    ),
    "NumPy": ("holds arrays of NumPy, not a model", "give an ONNX or Keras file"),
    "archive": ("is a compressed archive", "unpack it, and give the model in it"),
}
MAGIC = {HDF5: b"\x89HDF\r\n\x1a\n", KERAS_ZIP: b"PK"}
ONNX = re.compile(rb"\x08[\x03-\x1f]")  # its first field, the version of the format
HEADS = {
    "Git LFS": re.compile(rb"version https://git-lfs"),
    "HTML": re.compile(rb"(?is)\s*(<!--.*?-->\s*)?<(!doctype html|html|head|body)\b"),
    "TFLite": re.compile(rb"(?s)....TFL3"),
    # Before 2020; torch starts with a number of its own.
    "PyTorch": re.compile(rb"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"),
    "pickle": re.compile(rb"\x80[\x02-\x05]"),
    "JSON": re.compile(rb"\s*\{\s*\""),
    "NumPy": re.compile(rb"\x93NUMPY"),
    "archive": re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf"),
}


def file_kind(path: Path) -> str | None:
    """Return `HDF5`, `Keras zip`, a key of REFUSED, or None for ONNX and what is not known."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(MAGIC[HDF5]):
        return HDF5
    if head.startswith(MAGIC[KERAS_ZIP]):
        return _kind_of_zip(path)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return "safetensors"
    if path.suffix == ".pb" and head.startswith((b"\x08\x01", b"\n")):  # ONNX: a later version
        return "SavedModel" if head.startswith(b"\x08") else "frozen graph"
    return next((kind for kind, pattern in HEADS.items() if pattern.match(head)), None)


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return KERAS_ZIP  # cut short, which the reader of Keras files tells
    if {"config.json", "model.weights.h5"} & set(names):
        return KERAS_ZIP
    inner = {name.split("/", 1)[-1] for name in names}  # PyTorch puts all into a folder
    if any(name.endswith(EXPORTED) for name in names):
        return "exported program"
    if any(name.startswith("code/") for name in inner):
        return "TorchScript"
    if "data.pkl" in inner:
        return "PyTorch"
    if "saved_model.pb" in inner | set(names):
        return "SavedModel"
    if any(name.endswith(".npy") for name in names):
        return "NumPy"
    return "archive"


def is_keras(path: Path, is_there: bool) -> bool:
    """Tell whether a model file goes the way of Keras models, and not that of ONNX models.

    The first bytes tell, where the file `is_there`: of HDF5 and zip files those of Keras are the
    only ones that go on. Else the suffix tells.
    """
    if is_there:
        with path.open("rb") as file:
            head = file.read(HEAD)
        if head.startswith(tuple(MAGIC.values())):
            return True
        if ONNX.match(head):
            return False
    return path.suffix.lower() in KERAS_SUFFIXES


def check_kind(path: Path, keras: bool = False) -> None:
    """Raise UserError for a file that is neither ONNX nor, if asked for, `keras`, with a remedy.

    A file of no known kind is left to its reader.
    """
    kind = file_kind(path)
    if kind in (HDF5, KERAS_ZIP) and not keras:  # only from the web: the name has told otherwise
        raise UserError(f"{path}: looks like a Keras file; download it, and give its path")
    if kind in REFUSED:
        what, remedy = REFUSED[kind]
        again = f"; {DELETE}" if is_downloaded(path) else ""
        raise UserError(f"{path}: {what}; {remedy}{again}")


def refuse_folder(path: Path) -> str:
    """Return the line for a folder that is given as a model."""
    what, remedy = "is a folder", "give the ONNX or Keras file in it"
    if (path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file():
        what, remedy = SAVED_MODEL
    return f"model.source: {named(path, PATH)}: {what}; {remedy}"
