"""Files of measure.py that are consistent, made of a bundle: of small arrays, or of a run.

What the tests expect is computed here in its own way, but for the interval of a speed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from ptq_comparison.evaluation.timing import Times, speedup

BLOCKS = 30
SETTINGS = {"threads": 1, "batch_size": 1, "seconds": 1.5}
MACHINE = {
    "cpu": "Cortex-A76", "architecture": "aarch64", "system": "Linux 6.6.31",
    "isa": ["asimd", "asimddp"], "cores": 4, "memory_bytes": 8_000_000_000, "governor": "ondemand",
    "frequency_mhz": 2400, "temperature_celsius": {"before": 41.2, "after": 55.0},
    "load_average": {"before": [0.1, 0.2, 0.1], "after": None}, "kernels_saturate": False,
}  # fmt: skip
RUNTIME = {
    "onnxruntime": "1.22.0", "numpy": "2.2.6", "python": "3.11.2",
    "providers": ["CPUExecutionProvider"],
}  # fmt: skip


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_bundle(
    folder: Path,
    models: dict[str, bytes],
    images: np.ndarray,
    labels: np.ndarray,
    expected: dict[str, np.ndarray],
    of: int,
    classes: int,
) -> Path:
    """Write bundle.json, images.npy, labels.npy and expected.npz; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels.astype(np.int64))
    np.save(folder / "indices.npy", np.arange(len(labels)))
    np.savez(folder / "expected.npz", **expected)
    files = {name: sha256((folder / name).read_bytes()) for name in ("images.npy", "labels.npy")}
    manifest = {
        "format": "ptq_comparison.device_bundle",
        "version": 1,
        "files": files,
        "dataset": {
            "classes": classes,
            "images": len(labels),
            "of": of,
            "images_sha256": files["images.npy"],
            "labels_sha256": files["labels.npy"],
        },
        "preprocessing": {},
        "settings": SETTINGS,
        "models": [
            {
                "name": name, "path": f"models/{name}.onnx", "sha256": sha256(content),
                "bytes": len(content), "format": "onnx", "input": "input", "output": "output",
                "layout": "NHWC", "batch": None, "dtype": "float32", "probability": False,
            }
            for name, content in models.items()
        ],
    }  # fmt: skip
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


def small_bundle(folder: Path, names: tuple[str, ...] = ("fp32", "int8", "uint8")) -> Path:
    """Write a bundle of 200 images in 5 classes, on which each model is right on 80 % or more."""
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 5, 200)
    expected = {}
    for number, name in enumerate(names):
        expected[name] = labels.copy()
        wrong = np.arange(20 + number)
        expected[name][wrong] = (labels[wrong] + 1) % 5
    images = generator.integers(0, 256, (200, 4, 4, 3), np.uint8)
    contents = {name: name.encode() * (10 if name == "fp32" else 3) for name in names}
    return write_bundle(folder, contents, images, labels, expected, 2000, 5)


def device_content(
    bundle: Path,
    name: str = "pi5",
    speeds: dict[str, float] | None = None,
    changed: dict[str, int] | None = None,
    saturated: dict[str, int] | None = None,
    failed: dict[str, str] | None = None,
    emulated: str | None = None,
    noise: float = 0.01,
    blocks: int = BLOCKS,
) -> dict[str, Any]:
    """Return what measure.py would write.

    `speeds` are those of models, 1.5 where nothing is said. `changed` and `saturated` count the
    first images on which predictions differ from those of this machine, and from those without
    saturation; `failed` are reasons. `noise` is the spread of the blocks. An `emulated` CPU has no
    times. Only the first `blocks` were measured.
    """
    manifest = json.loads((bundle / "bundle.json").read_text())
    labels, expected = np.load(bundle / "labels.npy"), dict(np.load(bundle / "expected.npz"))
    dataset = manifest["dataset"]
    settings = {
        "blocks": BLOCKS,
        "provider": "CPUExecutionProvider",
        **{key: manifest["settings"][key] for key in SETTINGS},
    }
    generator = np.random.default_rng(7)
    drift = 4 * (1 + 0.05 * generator.standard_normal(blocks))
    predictions, medians = {}, {}
    for model in manifest["models"]:
        key = model["name"]
        predictions[key] = expected[key].copy()
        moved = (changed or {}).get(key, 0)
        predictions[key][:moved] = (predictions[key][:moved] + 2) % dataset["classes"]
        speed = 1.0 if key == "fp32" else (speeds or {}).get(key, 1.5)
        spread = 0 if key == "fp32" else noise
        medians[key] = drift / speed * (1 + spread * generator.standard_normal(blocks))
    rows = []
    for model in manifest["models"]:
        key = model["name"]
        row = {
            **{name: model[name] for name in ("name", "path", "sha256", "bytes", "format")},
            **dict.fromkeys(
                ("failed", "predictions", "correct", "accuracy", "agreement", "expected_agreement",
                 "executed_by", "saturation", "block_medians_ms", "latency", "peak_memory_bytes")
            ),
        }  # fmt: skip
        rows.append(row)
        if key in (failed or {}):
            row["failed"] = failed[key]
            continue
        own = predictions[key]
        right = int((own == labels).sum())
        row |= {
            "predictions": own.tolist(),
            "correct": right,
            "accuracy": right / len(own),
            "expected_agreement": float((own == expected[key]).mean()),
            "executed_by": {"CPUExecutionProvider": 23},
            "saturation": _saturation(own, labels, key, (saturated or {}).get(key, 0), dataset),
            "peak_memory_bytes": 20_000_000,
        }
        if "fp32" not in (failed or {}):
            row["agreement"] = float((own == predictions["fp32"]).mean())
        if emulated is None:
            fp32 = None if "fp32" in (failed or {}) else medians["fp32"]
            row["block_medians_ms"] = medians[key].tolist()
            size = model["batch"] or settings["batch_size"]
            row["latency"] = _latency(medians[key], fp32, settings["threads"], size)
    return {
        "format": "ptq_comparison.device",
        "version": 1,
        "name": name,
        "emulated": emulated,
        "finished": True,
        "written": "2026-11-28T20:15:00Z",
        "dataset": {key: value for key, value in dataset.items() if key != "classes"},
        "settings": settings,
        "machine": MACHINE,
        "runtime": RUNTIME,
        "models": rows,
    }


def _saturation(own, labels, name: str, count: int, dataset: dict[str, Any]) -> dict[str, Any]:
    if name == "fp32":
        values = dict.fromkeys(("changed", "delta_pp", "predictions"))
        return {"checked": False, "why": "no integers", **values}
    exact = own.copy()
    exact[:count] = (exact[:count] + 1) % dataset["classes"]
    lost = int((own == labels).sum()) - int((exact == labels).sum())
    return {
        "checked": True,
        "why": None,
        "changed": count / len(own),
        "delta_pp": 100 * lost / len(own),
        "predictions": exact.tolist(),
    }


def _latency(
    medians: np.ndarray, fp32: np.ndarray | None, threads: int, batch_size: int
) -> dict[str, Any]:
    speed, interval = None, None
    if fp32 is not None:
        times = (Times(each[:, None], np.zeros(len(each))) for each in (medians, fp32))
        speed, interval = speedup(*times)
    median = float(np.median(medians))
    return {
        "threads": threads,
        "batch_size": batch_size,
        "calls": 30 * len(medians),
        "median_ms": median,
        "p90_ms": 1.1 * median,
        "p99_ms": 1.3 * median,
        "images_per_second": 1e3 * batch_size / median,
        "session_start_ms": 3.5,
        "speedup": speed,
        "speedup_ci95": interval and list(interval),
    }


def write_device(folder: Path, content: dict[str, Any]) -> Path:
    """Write a file of a device, under the name of the device."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"device_{content['name']}.json"
    path.write_text(json.dumps(content))
    return path
