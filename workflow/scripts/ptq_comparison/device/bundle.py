"""What a device is measured with: models, images, labels, and what this machine predicts."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime

from ptq_comparison.common.files import read_json, sha256_file, write_json, write_text
from ptq_comparison.common.mapped import write_npz
from ptq_comparison.device.manifest import BUNDLE_FORMAT, BUNDLE_VERSION
from ptq_comparison.evaluation.timing import BLOCK_COUNT
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.exact_kernels import unshared
from ptq_comparison.inference.saturating import make_trial, saturating_operators
from ptq_comparison.inference.session import make_session, predict_scores, predicted_classes
from ptq_comparison.model.loading import load_model

BATCH_SIZE = 8  # of predictions: devices have little memory
ORT = ".ort"
README = """\
Measure these models on this machine. It needs Python 3.8 or newer, and no network:

    pip install onnxruntime numpy
    python3 measure.py --name my-device

It takes about {minutes}, and writes device_my-device.json into the present folder. Bring that file
back to the folder results/devices of the workflow, and type there: snakemake devices
"""


def fill_bundle(
    folder: Path,
    models: Mapping[str, Path],
    given: SimpleNamespace,
    params: Any,
    progress: Callable[[str, int], Any],
) -> None:
    """Write everything but the script into the folder of a bundle.

    `models` are files by their names in the bundle, of which `<name>.ort` is the twin of `<name>`
    in onnxruntime's own format. `given` has the paths of `images`, `labels` and `dataset`;
    `params` are `preprocessing`, and the `settings` of a measurement.
    """
    dataset = read_json(given.dataset)
    classes = len(dataset["class_names"])
    for name in ("images", "labels"):
        shutil.copyfile(getattr(given, name), folder / f"{name}.npy")
    images, labels = (np.load(folder / f"{name}.npy") for name in ("images", "labels"))
    onnx.save(unshared(make_trial()), folder / "trial.onnx")
    entries, expected = [], {}
    for name, path in models.items():
        twin = load_model(models[name.removesuffix(ORT)])
        entry = _add_model(folder, name, path, twin, images, params)
        entries.append(entry)
        batches = Batches.of(images, twin, params.preprocessing, entry["batch_size"])
        session = make_session(str(folder / entry["path"]), 1)
        with progress(f"predicting {name}", len(labels)) as counter:
            scores = predict_scores(session, batches, classes, counter)
        expected[name] = predicted_classes(scores)
    write_npz(folder / "expected.npz", expected)
    minutes = f"{1 + len(models) * params.settings['seconds'] / 60:.0f} to 5 minutes"
    write_text(folder / "README.txt", README.format(minutes=minutes))
    sums = {
        str(file.relative_to(folder)): sha256_file(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "measure.py"
    }
    write_json(
        folder / "bundle.json",
        {
            "format": BUNDLE_FORMAT,
            "version": BUNDLE_VERSION,
            "onnxruntime": onnxruntime.__version__,
            "dataset": {
                "classes": classes,
                "images": len(labels),
                "of": dataset["splits"]["test"]["images"],
                "images_sha256": sums["images.npy"],
                "labels_sha256": sums["labels.npy"],
            },
            "settings": {**params.settings, "blocks": BLOCK_COUNT},
            "models": entries,
            "files": sums,
        },
    )


def _add_model(
    folder: Path, name: str, path: Path, twin: onnx.ModelProto, images: np.ndarray, params: Any
) -> dict[str, Any]:
    """Copy a model into the bundle; return its entry in the manifest."""
    kind = "ort" if name.endswith(ORT) else "onnx"
    file = folder / "models" / f"{name.removesuffix(ORT)}.{kind}"
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, file)
    # Dynamic quantization fits one grid to all images of a batch: alone, each has its own.
    alone = any(node.op_type == "DynamicQuantizeLinear" for node in twin.graph.node)
    batches = Batches.of(images, twin, params.preprocessing, 1 if alone else BATCH_SIZE)
    interface = batches.interface
    entry = {
        "name": name,
        "path": str(file.relative_to(folder)),
        "sha256": sha256_file(file),
        "bytes": file.stat().st_size,
        "format": kind,
        "input": interface.input,
        "output": interface.output,
        "layout": interface.layout,
        "batch": interface.batch,
        "dtype": interface.dtype,
        "probability": interface.probability,
        "preprocessing": asdict(batches.preprocessing),
        "batch_size": batches.batch_size,
    }
    if kind == "onnx" and saturating_operators(twin):
        exact = folder / "exact" / f"{name}.onnx"
        exact.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(unshared(twin), exact)
        entry["exact"] = str(exact.relative_to(folder))
    return entry
