"""The bundle on the device: what is in it, and whether its files are whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.model_inputs import ModelInputs
from ptq_comparison.inference.preprocessing import Preprocessing
from ptq_comparison.model.interface_type import Interface

BUNDLE_FORMAT, BUNDLE_VERSION = "ptq_comparison.device_bundle", 1
AGAIN = "copy and unpack the bundle again"


class Bundle(NamedTuple):
    """An unpacked bundle: `images` are uint8 (N, H, W, C), `labels` int64 (N,).

    `expected` has the predictions of the machine that made it, int64 (N,), by model.
    """

    folder: Path
    manifest: dict[str, Any]
    images: np.ndarray
    labels: np.ndarray
    expected: dict[str, np.ndarray]

    def inputs(self, model: dict[str, Any]) -> ModelInputs:
        """Return the inputs of a model for all images; `model` is its entry in the manifest."""
        interface = Interface(
            input=model["input"],
            output=model["output"],
            layout=model["layout"],
            batch=model["batch"],
            image=(None, None, None),
            classes=self.manifest["dataset"]["classes"],
            dtype=model["dtype"],
            probability=model["probability"],
        )
        preprocessing = Preprocessing(**model["preprocessing"])
        return ModelInputs(self.images, interface, preprocessing, model["batch_size"])


def open_bundle(folder: Path) -> Bundle:
    """Read a bundle. Raises UserError where a file is absent, or is not as it was packed."""
    path = folder / "bundle.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); {AGAIN}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != BUNDLE_FORMAT:
        raise UserError(f"{path}: does not describe a bundle; {AGAIN}")
    if manifest["version"] != BUNDLE_VERSION:
        raise UserError(f"{path}: is of version {manifest['version']}; use its own measure.py")
    for name, sha256 in manifest["files"].items():
        file = folder / name
        if not file.is_file():
            raise UserError(f"{file}: is missing; {AGAIN}")
        if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            raise UserError(f"{file}: is not the file that was packed; {AGAIN}")
    with np.load(folder / "expected.npz") as archive:
        expected = dict(archive)
    images, labels = (np.load(folder / f"{name}.npy") for name in ("images", "labels"))
    return Bundle(folder, manifest, images, labels, expected)
