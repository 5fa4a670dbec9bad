"""The work of the workflow as one sequential script, as somebody without it would write it.

    python plain_script.py MODEL FOLDER OUTPUT BATCH_SIZE

It reads images from `FOLDER/train/<class>/` and `FOLDER/test/<class>/`, samples, calibrates once
for both dtypes, quantizes, predicts with three models, and compares; with onnxruntime's default of
all cores, and without logs, provenance, checks or restarts.
"""

import json
import os
import random
import sys
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import of onnxruntime

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from PIL import Image
from scipy.stats import binomtest


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hand the calibration images to onnxruntime, 32 at once."""

    def __init__(self, images: np.ndarray) -> None:
        self.batches = iter(np.array_split(images, len(images) // 32))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"input": batch.astype(np.float32)}


def read(files: list[Path]) -> np.ndarray:
    """Return the pixels, uint8 (N, H, W, C)."""
    return np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])


def predict(model: Path, images: np.ndarray, size: int) -> np.ndarray:
    """Return the predicted classes, int64 (N,)."""
    session = onnxruntime.InferenceSession(model)
    batches = [images[start : start + size] for start in range(0, len(images), size)]
    scores = [session.run(None, {"input": b.astype(np.float32)})[0] for b in batches]
    return np.asarray(np.concatenate(scores).argmax(axis=1))


def main(model: Path, folder: Path, output: Path, size: int) -> None:
    """Write evaluations and a comparison into the folder `output`."""
    random.seed(42)
    classes = sorted(path.name for path in (folder / "train").iterdir())
    candidates = [sorted((folder / "train" / name).iterdir()) for name in classes]
    samples = read([file for files in candidates for file in random.sample(files, SAMPLES)])
    models = {"fp32": model}
    for dtype, kind in (("int8", QuantType.QInt8), ("uint8", QuantType.QUInt8)):
        models[dtype] = output / f"{dtype}.onnx"
        quantize_static(
            onnx.load(model),
            models[dtype],
            Reader(samples),
            activation_type=kind,
            weight_type=kind,
            calibration_cache_path=output / "ranges.json",
        )
    tests = [sorted((folder / "test" / name).iterdir()) for name in classes]
    images = read([file for files in tests for file in files])
    labels = np.repeat(np.arange(len(classes)), [len(files) for files in tests])
    right = {name: predict(path, images, size) == labels for name, path in models.items()}
    rows = []
    for name in models:
        fixed = int((right[name] & ~right["fp32"]).sum())
        broken = int((~right[name] & right["fp32"]).sum())
        row = {
            "model": name,
            "top1": float(right[name].mean()),
            "low": binomtest(int(right[name].sum()), len(labels))
            .proportion_ci(method="wilson")
            .low,
            "mcnemar_p": binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1.0,
            "bytes": models[name].stat().st_size,
        }
        (output / f"{name}_eval.json").write_text(json.dumps(row))
        rows.append(row)
    pd.DataFrame(rows).to_csv(output / "comparison.csv", index=False)


SAMPLES = 100  # a class

if __name__ == "__main__":
    source, folder, output, size = sys.argv[1:]
    main(Path(source), Path(folder), Path(output), int(size))
