"""Recipes of a sweep to try with other draws: the recommended one and its equals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ptq_comparison.common.descriptions import Provenance
from ptq_comparison.common.files import sha256_file
from ptq_comparison.model.loading import load_model
from ptq_comparison.model.metadata import read_metadata
from ptq_comparison.stability.draw import Tried
from ptq_comparison.stability.results import EQUALS, RECOMMENDED


def recipe_of(provenance: Provenance, float_model: str) -> dict[str, Any]:
    """Return the complete recipe that a quantized model was made by, from its own metadata.

    So nodes that a search has left in float32 stay there. `float_model` is the name of the float32
    model that it starts from.
    """
    return {
        "preprocess": float_model != "fp32",
        "equalization": float_model if float_model in ("cross_layer", "smooth") else "none",
        "method": provenance["method"],
        **provenance["options"],
        **provenance["refinements"],
        **provenance["quantization"],
        "float_nodes": [],  # they stand by name among those that are excluded
    }


def selected_recipes(
    selection: dict[str, Any],
    model_paths: Sequence[Path],
    float_paths: Sequence[Path],
    count: int,
) -> list[Tried]:
    """Return the recommended recipe and those that images cannot tell from it, `count` at most.

    `selection` is the content of selection.json, `model_paths` are `<recipe>.onnx`, `float_paths`
    the models that these start from.
    """
    models = {path.stem: path for path in model_paths}
    by_digest = {sha256_file(path): path for path in float_paths}
    tried = []
    for name in [selection["recipe"], *selection["not_worse"]][:count]:
        provenance: Any = read_metadata(load_model(models[name]))
        float_model = by_digest[provenance["model_sha256"]]
        recipe = recipe_of(provenance, float_model.stem)
        model = RECOMMENDED if name == selection["recipe"] else f"{EQUALS}{name}"
        tried.append(Tried(model, name, recipe, float_model))
    return tried
