"""Hugging Face's `preprocessor_config.json`: what its image processors do, as a preset says it.

https://github.com/huggingface/transformers/tree/main/src/transformers/models: the files
`*/image_processing_*.py`. Resizing is that of Pillow there, as it is here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import PATH, named, shown

MOST_BYTES = 1_000_000
INTERPOLATIONS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}  # Pillow's numbers
# Beginnings of the names of processors for which a size of one number is the shorter side; for the
# others it is a square.
SHORTER_SIDE = (
    *("Bit", "CLIP", "ChineseCLIP", "ConvNext", "Levit", "MobileNet", "MobileViT", "PoolFormer"),
)
# The interpolation of those that leave `resample` out and have one in all releases.
RESAMPLE = {
    **dict.fromkeys(("Beit", "Bit", "CLIP", "ChineseCLIP", "DeiT", "Levit", "PoolFormer"), 3),
    **dict.fromkeys(("MobileNet", "Segformer", "ViT"), 2),
}
# What may be true; anything else that is done to an image is not known here.
STEPS = {
    *("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"),
    *("do_flip_channel_order", "do_grayscale", "do_resize_and_center_crop"),
}
OWN_ORDER = ("Perceiver",)  # that crop before they resize
REMEDY = "set model.preset to null, and dataset.resize, dataset.crop, model.scale, mean, std"


def read_preprocessor_config(path: Path) -> dict[str, Any]:
    """Return what a `preprocessor_config.json` says, in the form of a preset.

    Keys: `scale`, `mean`, `std`, `channels`, `fit`, `ratio`, `interpolation`, `resize`, `crop`,
    `pad`, `centre`. Raises UserError for a file that cannot be read, and for what a preset cannot
    express.
    """
    where = f"model.preset: {named(path, PATH)}"
    config = _read(path, where)
    kind = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    try:
        _refuse_others(config, kind)
        return {**_values(config, kind), **_geometry(config, kind)}
    except (ValueError, TypeError, KeyError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{where}: {reason}; {REMEDY}") from error


def _read(path: Path, where: str) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise OSError("no such file")
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"has more than {MOST_BYTES:,} bytes")
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("holds no keys")
    # Also for a name that cannot be one, other bytes than text, and nesting without end.
    except (OSError, ValueError, RecursionError) as error:
        from ptq_comparison.config.presets import PRESETS

        reason = str(error) if isinstance(error, OSError) and not error.errno else "no JSON of keys"
        raise UserError(
            f"{where}: {reason}; allowed: {', '.join(PRESETS)}, or the path of a "
            "preprocessor_config.json"
        ) from error
    inner = config.get("image_processor")  # of a processor_config.json
    return inner if isinstance(inner, dict) else config


def _refuse_others(config: Mapping[str, Any], kind: str) -> None:
    for key, value in config.items():
        if key.startswith("do_") and value and key not in STEPS:
            raise ValueError(f"{named(key)} is a step that this workflow does not know")
    if kind.startswith(OWN_ORDER):
        raise ValueError(f"{named(kind)} crops before it resizes, which this workflow does not")


def _values(config: Mapping[str, Any], kind: str) -> dict[str, Any]:
    scale, offset = 1.0, 0.0
    if config.get("do_rescale", True):
        scale = _number(config, "rescale_factor", 1 / 255)
        offset = 1.0 if config.get("rescale_offset") else 0.0
    mean: list[float] = [0.0]
    std: list[float] = [1.0]
    if config.get("do_normalize", "image_mean" in config):
        mean, std = _numbers(config, "image_mean"), _numbers(config, "image_std")
        # EfficientNet's own processor divides a second time.
        if kind.startswith("EfficientNet") and config.get("include_top", True):
            std = [value**2 for value in std]
    if not scale > 0 or not min(std) > 0:
        raise ValueError("rescale_factor and image_std must be above 0")
    mean = [value + offset for value in mean]
    grey = config.get("do_grayscale")
    flipped = "BGR" if config.get("do_flip_channel_order") else "RGB"
    one = len(mean) == 1 and "image_mean" in config
    return {
        "scale": scale,
        "mean": mean[0] if len(set(mean)) == 1 else mean,
        "std": std[0] if len(set(std)) == 1 else std,
        "channels": "grey" if grey else None if one else flipped,
    }


def _geometry(config: Mapping[str, Any], kind: str) -> dict[str, Any]:
    resize = crop = None
    interpolation = "bilinear"
    if config.get("do_resize", "size" in config):
        known = [number for name, number in RESAMPLE.items() if kind.startswith(name)]
        number = config["resample"] if "resample" in config or not known else known[0]
        if type(number) is not int or number not in INTERPOLATIONS:
            raise ValueError(f"resample: {shown(number)} is none of {list(INTERPOLATIONS)}")
        interpolation = INTERPOLATIONS[number]
        resize = _size(config, "size", kind.startswith(SHORTER_SIDE), kind)
    if config.get("do_center_crop", "crop_size" in config):
        crop = _size(config, "crop_size", False, kind)
        if isinstance(crop, int):
            crop = [crop, crop]
    if kind.startswith("ConvNext") and isinstance(resize, int):
        # Cut out of a larger image, or from 384 on stretched.
        side, share = resize, _number(config, "crop_pct", 224 / 256)
        resize, crop = (int(side / share), [side, side]) if side < 384 else ([side, side], None)
    if kind.startswith("Levit") and isinstance(resize, int):
        resize = int(256 / 224 * resize)
    if kind.startswith("PoolFormer") and config.get("crop_pct") and isinstance(resize, int):
        resize = int(resize / _number(config, "crop_pct", 1.0))
    return {
        "resize": resize,
        "crop": crop,
        "pad": None,
        "interpolation": interpolation,
        "centre": "floor",
        "fit": None,
        "ratio": 1.0,
    }


def _size(config: Mapping[str, Any], key: str, shorter_side: bool, kind: str) -> int | list[int]:
    """Return a size as the shorter side, or [height, width]."""
    size = config[key]
    if isinstance(size, dict):
        named_sizes = {name for name, value in size.items() if value is not None}
        if named_sizes == {"height", "width"}:
            return [_side(key, size["height"]), _side(key, size["width"])]
        if named_sizes == {"shortest_edge"}:
            return _side(key, size["shortest_edge"])
        raise ValueError(f"{key}: {shown(size)} is no shortest_edge, and no height and width")
    side = _side(key, size)
    if key == "size" and not kind and config.get("do_center_crop"):
        raise ValueError(f"size: {side} may be a square or a shorter side: the type is not named")
    return side if shorter_side else [side, side]


def _side(key: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= 10_000:
        raise ValueError(f"{key}: {shown(value)} is no number of pixels from 1 to 10,000")
    return value


def _number(config: Mapping[str, Any], key: str, default: float) -> float:
    value = config.get(key, default)
    if type(value) not in (int, float) or not -1e9 < value < 1e9:  # NaN is not
        raise ValueError(f"{key}: {shown(value)} is no number")
    return float(value)


def _numbers(config: Mapping[str, Any], key: str) -> list[float]:
    values = config[key] if isinstance(config[key], list) else [config[key]]
    if len(values) not in (1, 3):
        raise ValueError(f"{key}: {shown(values)} are not 1 or 3 numbers")
    return [_number({key: value}, key, 0.0) for value in values]
