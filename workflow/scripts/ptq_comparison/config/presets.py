"""What becomes of an image before the model sees it: presets, and the keys that win over them.

Snakemake imports this at each start: no numpy, no Pillow.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ptq_comparison.common.errors import UserError
from ptq_comparison.config.preprocessor_config import read_preprocessor_config

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
# Values: `(pixel * scale - mean) / std` of channels in this order.
RAW = {"scale": 1.0, "mean": 0.0, "std": 1.0, "channels": None}
TORCH = {"scale": 1 / 255, **IMAGENET, "channels": "RGB"}
# Geometry without sizes: `fit` says how an image gets the size of the model's input, H x W.
# `crop`: resized to the shorter side min(H, W) / 0.875, then the centre. `stretch`: resized to it.
CROP, STRETCH = {"fit": "crop", "ratio": 0.875}, {"fit": "stretch", "ratio": 1.0}
PRESETS: dict[str, dict[str, Any]] = {
    # torchvision's ImageClassification: Resize(256), CenterCrop(224)
    "torchvision": {**TORCH, **CROP, "interpolation": "bilinear"},
    # timm's default: crop_pct 0.875, bicubic
    "timm-bicubic": {**TORCH, **CROP, "interpolation": "bicubic"},
    # keras.applications.imagenet_utils.preprocess_input, modes tf, caffe and torch
    "keras-tf": {
        "scale": 1 / 127.5, "mean": 1.0, "std": 1.0, "channels": "RGB", **STRETCH,
        "interpolation": "bilinear",
    },
    "keras-caffe": {
        "scale": 1.0, "mean": [103.939, 116.779, 123.68], "std": 1.0, "channels": "BGR",
        **STRETCH, "interpolation": "bilinear",
    },
    "keras-torch": {**TORCH, **STRETCH, "interpolation": "bilinear"},
    "raw": {**RAW, **STRETCH, "interpolation": "bilinear"},
}  # fmt: skip
NO_PRESET = {**RAW, "fit": None, "ratio": 1.0, "interpolation": "bilinear"}
VALUES = ("scale", "mean", "std")


def read_preset(name: str | None) -> dict[str, Any]:
    """Return values and geometry of a preset, or of a `preprocessor_config.json`.

    Keys: `scale`, `mean`, `std`, `channels`, `fit`, `ratio`, `interpolation`, and of a file also
    `resize`, `crop` and `pad`, its sizes, and `centre`. Raises UserError for a file that cannot be
    read as one.
    """
    if name is None:
        return NO_PRESET
    return PRESETS[name] if name in PRESETS else read_preprocessor_config(Path(name))


def preprocessing_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `layout`, `scale`, `mean`, `std` and `channels` (RGB or BGR) of the model's input."""
    model, preset = config["model"], read_preset(config["model"]["preset"])
    values = {key: preset[key] if model[key] is None else model[key] for key in VALUES}
    channels = config["dataset"]["channels"] or preset["channels"]
    return {
        "layout": model["layout"], **values, "channels": "BGR" if channels == "BGR" else "RGB",
    }  # fmt: skip


def geometry_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how stored pixels are made from an image file, without the sizes that follow.

    `resize`, `crop` and `pad` are those of the config, else of the preset, `interpolation` and
    `channels` (RGB, grey or None: as the first training image) likewise, `centre` tells how half a
    pixel is rounded, and `fit` and `ratio` how sizes that are None follow from the model's input.
    Raises UserError for padding without a size to pad to.
    """
    dataset, preset = config["dataset"], read_preset(config["model"]["preset"])
    sizes = {
        key: preset.get(key) if dataset[key] is None else dataset[key]
        for key in ("resize", "crop", "pad")
    }
    stretches = sizes["resize"] is None and preset["fit"] == "stretch"
    if sizes["pad"] is not None and not stretches and not isinstance(sizes["resize"], list):
        raise UserError(
            "dataset.pad: there is no size to pad to; set dataset.resize to [height, width]"
        )
    channels = dataset["channels"] or preset["channels"]
    return {
        **sizes,
        "interpolation": dataset["interpolation"] or preset["interpolation"],
        "channels": "RGB" if channels == "BGR" else channels,
        "centre": preset.get("centre", "round"),
        "fit": preset["fit"],
        "ratio": preset["ratio"],
    }


def needs_input_size(geometry: Mapping[str, Any]) -> bool:
    """Tell whether sizes follow from the model's input: a preset does not name any."""
    named = geometry["crop"] is not None or isinstance(geometry["resize"], list)
    return geometry["fit"] is not None and not named


def with_sizes(geometry: Mapping[str, Any], input_size: Sequence[int] | None) -> dict[str, Any]:
    """Return the geometry with all sizes, without `fit` and `ratio`.

    `input_size` is height and width of the model's input, where they are needed. Before a crop, the
    shorter side becomes the crop's shorter one divided by `ratio`, rounded down, as timm has it.
    """
    resize, crop = geometry["resize"], geometry["crop"]
    size = crop if input_size is None else list(input_size)
    stretches = geometry["fit"] == "stretch"
    if needs_input_size(geometry) and not (stretches and resize is None):
        crop = size
    if geometry["fit"] and resize is None:
        sides = [size, size] if isinstance(size, int) else size
        resize = sides if stretches else math.floor(min(sides) / geometry["ratio"])
    kept = {key: geometry[key] for key in ("pad", "interpolation", "channels", "centre")}
    return {"resize": resize, "crop": crop, **kept}
