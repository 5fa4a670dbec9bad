"""What ranges were made from, kept inside their file."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import onnx

from ptq_comparison.common.descriptions import Provenance
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json, sha256_file
from ptq_comparison.config.recipes import REFINEMENTS, calibration_options
from ptq_comparison.model.metadata import read_metadata


def calibration_provenance(
    model_path: Path,
    samples_path: Path,
    preprocessing: dict[str, Any],
    method: str,
    options: dict[str, Any],
) -> Provenance:
    """Return what ranges depend on: SHA-256 of the float32 model and of the images, and the rest.

    `samples_path` is the `.npy` of the calibration images; `options` are those of the method.
    `preparation` tells how the float32 model was changed before, if it was.
    """
    provenance: Provenance = {
        "model_sha256": sha256_file(model_path),
        "samples_sha256": sha256_file(samples_path),
        "preprocessing": preprocessing,
        "method": method,
        "options": options,
        # Asked of the environment, so that who only reads metadata need not have onnxruntime.
        "versions": {name: version(name) for name in ("onnxruntime", "onnx", "numpy")},
    }
    changes = read_metadata(onnx.load(model_path)).get("preparation")
    if changes:
        provenance["preparation"] = changes
    return provenance


def check_ranges(ranges_path: Path, expected: Provenance) -> Provenance:
    """Return the provenance of a ranges file.

    Raises UserError unless it is the `expected` one, but for the versions: onnxruntime itself
    takes ranges of any model, images and preprocessing without a word.
    """
    content = read_json(ranges_path)
    found: Any = content.get("provenance", {})
    for key, value in expected.items():
        if key != "versions" and found.get(key) != value:
            raise UserError(
                f"{ranges_path}: {key} is {found.get(key)}, but this run has {value}; "
                "delete the file, so that it is made again"
            )
    return cast(Provenance, found)


def recipe_provenance(
    model_path: Path,
    samples_path: Path,
    ranges_path: Path,
    preprocessing: dict[str, Any],
    recipe: dict[str, Any],
    name: str,
) -> Provenance:
    """Return what goes into the metadata of a model, from a complete recipe.

    Raises UserError when the ranges are not those of this model, of these images, and so on.
    """
    options = calibration_options(recipe)["options"]
    expected = calibration_provenance(
        model_path, samples_path, preprocessing, recipe["method"], options
    )
    return {
        **check_ranges(ranges_path, expected),
        "recipe": name,
        "refinements": {key: recipe[key] for key in REFINEMENTS},
    }
