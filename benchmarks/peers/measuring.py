"""What every model of the table is asked, by the workflow's own functions."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from ptq_comparison.common.files import read_json, sha256_file
from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.evaluation.evaluate import evaluate_recipe
from ptq_comparison.evaluation.latency import batches_by_setting, measure_models
from ptq_comparison.evaluation.timing import BLOCK_COUNT, WARM_UP_CALLS, Times, speedup
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.runtime import describe_runtime
from ptq_comparison.inference.scores import class_scores
from ptq_comparison.inference.session import make_session, predict_scores
from ptq_comparison.model.interface import read_interface
from ptq_comparison.model.loading import load_model
from tqdm import tqdm

from benchmarks.peers.table import Row

BATCH = 50  # calibration images at once, where a peer takes several
SECONDS = 2.0  # of calls of float32


class Results:
    """The float32 model, the images and the predictions that a run of the workflow has left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dataset = read_json(folder / "dataset/dataset.json")
        self.model_path = folder / "models/fp32.onnx"
        self.model = load_model(self.model_path)
        self.preprocessing = read_json(folder / "predictions/fp32.json")["preprocessing"]
        self.interface = read_interface(self.model, self.preprocessing["layout"])
        self.calibration = np.load(folder / "calibration/samples.npy", mmap_mode="r")
        self.images = np.load(folder / "dataset/test_images.npy", mmap_mode="r")
        self.labels = np.load(folder / "dataset/test_labels.npy")
        self.fp32_scores = self.predict(self.model)

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """Return images, uint8 (N, H, W, C), as the model takes them, all at once."""
        batches = Batches.of(images, self.model, self.preprocessing, None)
        return np.concatenate([b.inputs[self.interface.input][: b.images] for b in batches])

    def predict(self, model: onnx.ModelProto) -> np.ndarray:
        """Return the scores of the test images, float32 (N, classes)."""
        batches = Batches.of(self.images, model, self.preprocessing, None)
        classes = len(self.dataset["class_names"])
        with tqdm(disable=True) as progress:
            return predict_scores(make_session(model, 1), batches, classes, progress)

    def quantized_models(self) -> dict[str, Path]:
        """Return the 8-bit models that the workflow itself made and evaluated."""
        names = (path.name.removesuffix("_eval.json") for path in self.folder.glob("*_eval.json"))
        paths = {name: self.folder / f"models/{name}.onnx" for name in sorted(names)}
        return {name: path for name, path in paths.items() if name != "fp32" and path.is_file()}

    def identity(self) -> dict[str, Any]:
        """Return what all rows of one table have in common."""
        return {
            "images": len(self.labels),
            "calibration_images": len(self.calibration),
            "model_sha256": sha256_file(self.model_path),
            "calibration_sha256": sha256_file(self.folder / "calibration/samples.npy"),
            "test_sha256": self.dataset["splits"]["test"]["sha256"],
        }

    def settings(self, given: Path, keras: Path | None) -> dict[str, Any]:
        """Write what peers get into the folder `given`, and return what `given.json` says of it."""
        given.mkdir(parents=True, exist_ok=True)
        arrays = {"calibration": self.calibration, "test": self.images}
        for name, images in arrays.items():
            np.save(given / f"{name}.npy", self.inputs(images))
        return {
            "model": str(self.model_path),
            "keras": str(keras) if keras else None,
            "input": self.interface.input,
            "batch": self.interface.batch or BATCH,
            **{name: str(given / f"{name}.npy") for name in arrays},
            "blocks": BLOCK_COUNT,
            "warm_up": WARM_UP_CALLS,
            "seconds": SECONDS,
        }


def where_and_when() -> dict[str, str]:
    """Return the CPU, with what decides about its 8-bit kernels, and the date."""
    runtime = describe_runtime([])
    isa = set(runtime["isa"])
    kernels = ""
    if "avx" in isa:
        kernels = f", {'with' if isa & {'avx512_vnni', 'avx_vnni'} else 'without'} VNNI"
    return {"date": datetime.date.today().isoformat(), "cpu": runtime["cpu"] + kernels}


def measure_onnx(results: Results, paths: Mapping[str, Path]) -> dict[str, Row]:
    """Return what is measured of ONNX models, by the same keys, all in turn in onnxruntime.

    A row says why, where a model cannot run. Speeds that other load disturbed are measured again.
    """
    models, rows = {"fp32": results.model}, {}
    for name, path in paths.items():
        try:
            model = onnx.load(path)  # not load_model: onnxruntime runs some that are not valid
            rows[name] = judge(results, results.predict(model), path.stat().st_size)
            if path != results.model_path:
                models[name] = model
            else:
                rows[name] |= {"speedup": 1.0, "speedup_ci95": [1.0, 1.0]}
        except Exception as error:  # whatever a peer's model does, the others go on
            rows[name] = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:300]}
    settings = batches_by_setting(
        results.images[:1], results.model, results.preprocessing, [1], [1], 1
    )
    for _ in range(2 if rows else 0):
        with tqdm(total=BLOCK_COUNT, desc="timing", disable=None) as progress:
            measured = measure_models(models, settings, SECONDS, progress)
        for found in measured[1:]:
            rows[found["model"]] |= calmer(
                rows[found["model"]], found["speedup"], found["speedup_ci95"]
            )
        if not any(map(disturbed, rows.values())):
            break
    return rows


def read_measured(results: Results, folder: Path, file: str, before: Row) -> Row:
    """Return what is measured of a model in a runtime of its own, perhaps once `before`."""
    with np.load(folder / f"{file}.npz") as arrays:
        outputs, times, fp32 = arrays["outputs"], arrays["times"], arrays["fp32"]
    scores = class_scores(outputs, results.interface, len(outputs))
    # With the weights of a model in two files.
    parts = [path for path in folder.glob(f"{Path(file).stem}.*") if path.suffix != ".npz"]
    starts = np.empty(0)
    return {
        **judge(results, scores, sum(path.stat().st_size for path in parts)),
        **calmer(before, *speedup(Times(times, starts), Times(fp32, starts))),
    }


def judge(results: Results, scores: np.ndarray, size: int) -> Row:
    """Return accuracy and agreement of a model on the test images, and its size in bytes."""
    found = evaluate_recipe(scores, results.fp32_scores, results.labels)
    keys = ("top1", "delta_pp", "delta_ci95_pp", "agreement", "agreement_ci95")
    return {**{key: value for key, value in found.items() if key in keys}, "bytes": size}


def disturbed(row: Row) -> bool:
    """Tell whether other load disturbed the speed of a row."""
    return "speedup" in row and is_disturbed(row["speedup"], row["speedup_ci95"])


def calmer(row: Row, speed: float, interval: Sequence[float]) -> Row:
    """Return a speed for a row: what it has already, if anything, where that was disturbed less."""
    if "speedup" in row:
        low, high = row["speedup_ci95"]
        if (
            not disturbed(row)
            or (high - low) / row["speedup"] < (interval[1] - interval[0]) / speed
        ):
            return {}
    return {"speedup": speed, "speedup_ci95": list(interval)}
