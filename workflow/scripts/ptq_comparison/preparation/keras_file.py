"""Read what a Keras file holds, and write one that holds the network and its weights alone."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from ptq_comparison.common.address import DELETE, is_downloaded
from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.model.file_kind import HDF5, file_kind

MOST_CONFIG = 50_000_000  # bytes; that of EfficientNetB7 has 800,000
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
SAVE_BOTH = "build the network, load the weights, and save both with model.save('model.keras')"


class KerasFile(NamedTuple):
    """A Keras model as it is stored: its kind, the version of Keras that wrote it, its network."""

    path: Path
    kind: str
    version: str | None
    config: Any  # of JSON

    @property
    def is_legacy(self) -> bool:
        """Whether Keras 1 or 2 wrote the file, or one that does not say so."""
        major = (self.version or "").split(".")[0]
        return not major.isdecimal() or int(major) < 3


def read_keras_file(path: Path) -> KerasFile:
    """Read the configuration. Raises UserError where there is none, or the file is damaged."""
    kind = file_kind(path)
    remedy = DELETE if is_downloaded(path) else "copy it again from where it was saved"
    if kind is None:
        raise UserError(f"{path}: is no Keras file, neither HDF5 nor zip; {remedy}")
    try:
        version, text = (_read_hdf5 if kind == HDF5 else _read_zip)(path)
        config = json.loads(text)
    except (UserError, ImportError):
        raise
    except Exception as error:  # h5py and zipfile raise whatever they like
        cause = f"{type(error).__name__}: {first_line(error)}"
        raise UserError(f"{path}: is no whole Keras file ({cause}); {remedy}") from error
    return KerasFile(path, kind, version, config)


def _read_hdf5(path: Path) -> tuple[str | None, str]:
    import h5py

    with h5py.File(path) as file:
        text, version = (_text(file.attrs.get(key)) for key in ("model_config", "keras_version"))
        if text is None:
            raise UserError(f"{path}: holds weights without their network; {SAVE_BOTH}")
        _check_inside(file, path)
    return version, text


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value if value is None else str(value)


def _check_inside(file: Any, path: Path) -> None:
    """Raise UserError where tensors of an HDF5 file lie in another file."""
    import h5py

    groups = [file]
    while groups:
        group = groups.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UserError(f"{path}: {name!r} is a link to another place; save it without")
            value = group[name]
            if isinstance(value, h5py.Group):
                groups.append(value)
            elif value.external or value.is_virtual:
                raise UserError(f"{path}: {name!r} lies in another file; save it without")


def _read_zip(path: Path) -> tuple[str | None, str]:
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if CONFIG not in names or WEIGHTS not in names:
            raise UserError(f"{path}: has no {CONFIG} and {WEIGHTS} of Keras; {SAVE_BOTH}")
        for name in names & {CONFIG, METADATA}:
            if archive.getinfo(name).file_size > MOST_CONFIG:
                raise UserError(
                    f"{path}: its {name} has more than {MOST_CONFIG:,} bytes, which no network "
                    "needs; save the model again"
                )
        metadata = json.loads(archive.read(METADATA)) if METADATA in names else {}
        version = metadata.get("keras_version") if isinstance(metadata, dict) else None
        return _text(version), archive.read(CONFIG).decode()


def write_plain(model: KerasFile, folder: Path) -> Path:
    """Write the model with its `config`, which may have been changed, without training's parts.

    Returns the path, whose suffix is right for the readers.
    """
    text = json.dumps(model.config)
    if model.kind == HDF5:
        return _write_hdf5(model, text, folder / "model.h5")
    target = folder / "model.keras"
    metadata = {"keras_version": model.version, "date_saved": ""}
    with zipfile.ZipFile(model.path) as old, zipfile.ZipFile(target, "w") as new:
        new.writestr(METADATA, json.dumps(metadata))
        new.writestr(CONFIG, text)
        with old.open(WEIGHTS) as source, new.open(WEIGHTS, "w", force_zip64=True) as copy:
            shutil.copyfileobj(source, copy, 2**20)
    return target


def _write_hdf5(model: KerasFile, text: str, target: Path) -> Path:
    import h5py

    with h5py.File(model.path) as old, h5py.File(target, "w") as new:
        for name, value in old.attrs.items():
            if name not in ("model_config", "training_config"):
                new.attrs[name] = value
        new.attrs["model_config"] = text
        for name in old:
            if name != "optimizer_weights":
                old.copy(name, new)
    return target
