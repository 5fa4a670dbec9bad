"""Bundles of small models, without a run of the workflow."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from ptq_comparison.common.files import write_json
from ptq_comparison.device.bundle import fill_bundle
from ptq_comparison.device.ort_format import convert_to_ort
from tqdm import tqdm

from helpers.images import RAW, make_images

SETTINGS = {"threads": 1, "batch_size": 1, "seconds": 0.05}


def make_bundle(
    folder: Path,
    models: dict[str, onnx.ModelProto],
    images: int = 40,
    with_ort: bool = False,
    **settings: Any,
) -> Path:
    """Write a bundle of models for the images of `make_images`, without its script."""
    source, target = folder / "source", folder / "device_bundle"
    source.mkdir()
    target.mkdir()
    pixels, labels = make_images(images, seed=4)
    np.save(source / "images.npy", pixels)
    np.save(source / "labels.npy", labels)
    splits = {"test": {"images": 4 * images}}
    write_json(source / "dataset.json", {"class_names": ["a", "b", "c"], "splits": splits})
    paths = {}
    for name, model in models.items():
        paths[name] = source / f"{name.replace('/', '-')}.onnx"
        onnx.save(model, paths[name])
    if with_ort:
        (source / "ort").mkdir()
        for name in models:
            paths[f"{name}.ort"] = source / f"ort/{name}.ort"
            convert_to_ort(paths[name], paths[f"{name}.ort"])
    given = SimpleNamespace(
        images=source / "images.npy",
        labels=source / "labels.npy",
        dataset=source / "dataset.json",
    )
    params = SimpleNamespace(preprocessing=RAW, settings={**SETTINGS, **settings})
    fill_bundle(target, paths, given, params, lambda text, total: tqdm(disable=True))
    return target
