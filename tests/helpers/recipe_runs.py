"""The configuration of a run with recipes, on the model with a bad node."""

from pathlib import Path
from typing import Any

from onnx import save

from helpers.models import make_outlier_classifier
from helpers.snakemake_runs import overlay

RECIPES = {
    "int8": {"dtype": "int8"},
    "u8s8": {"dtype": "u8s8", "per_channel": True},
    "gptq": {"dtype": "u8s8", "rounding": "GPTQ"},
}
RECIPE_SETTINGS: dict[str, dict[str, Any]] = {
    "sensitivity": {"recipe": "u8s8", "images": 40, "target_drop_pp": 5.0},
    "latency": {"measure": True, "seconds": 0.05, "threads": [1], "batch_sizes": [4]},
    "sweep": {"seconds": 0.05},
    "recommend": {"max_drop_pp": 50, "min_speedup": None},
}


def recipe_files(folder: Path, tiny: Path, **settings: dict[str, Any]) -> tuple[Path, ...]:
    """Write the configuration of a run in `folder`, with recipes and the model with the outlier."""
    overlay(folder / "recipes.yaml", {"recipes": RECIPES})
    own = {
        key: {**RECIPE_SETTINGS.get(key, {}), **settings.get(key, {})}
        for key in {*RECIPE_SETTINGS, *settings}
    }
    own["sweep"]["recipes"] = str(folder / "recipes.yaml")
    own["model"] = {"source": str(folder / "outlier.onnx")}
    if not (folder / "outlier.onnx").exists():
        save(make_outlier_classifier(), folder / "outlier.onnx")
    return (tiny / "config.yaml", overlay(folder / "own.yaml", own))
