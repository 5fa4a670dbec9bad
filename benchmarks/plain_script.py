"""The work of the workflow as one sequential script, as somebody without it would write it.

    python plain_script.py MODEL DATASET OUTPUT

It samples, calibrates once for both dtypes, quantizes, predicts with three models, and compares;
with onnxruntime's default of all cores, and without logs, provenance, checks or restarts.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import of onnxruntime

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from scipy.stats import binomtest


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hand the calibration images to onnxruntime, 32 at once."""

    def __init__(self, images: np.ndarray) -> None:
        self.batches = iter(np.array_split(images, len(images) // 32))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"input": batch.astype(np.float32)}


def predict(model: Path, images: np.ndarray) -> np.ndarray:
    """Return the predicted classes, int64 (N,)."""
    session = onnxruntime.InferenceSession(model)
    batches = [images[start : start + 100] for start in range(0, len(images), 100)]
    scores = [session.run(None, {"input": b.astype(np.float32)})[0] for b in batches]
    return np.asarray(np.concatenate(scores).argmax(axis=1))


def main(model: Path, dataset: Path, output: Path) -> None:
    """Write evaluations and a comparison into the folder `output`."""
    images, labels = np.load(dataset / "train_images.npy"), np.load(dataset / "train_labels.npy")
    generator = np.random.default_rng(42)
    samples = np.concatenate(
        [
            generator.choice(np.flatnonzero(labels == label), 100, replace=False)
            for label in range(10)
        ]
    )
    models = {"fp32": model}
    for dtype, kind in (("int8", QuantType.QInt8), ("uint8", QuantType.QUInt8)):
        models[dtype] = output / f"{dtype}.onnx"
        quantize_static(
            onnx.load(model),
            models[dtype],
            Reader(images[samples]),
            activation_type=kind,
            weight_type=kind,
            calibration_cache_path=output / "ranges.json",
        )
    test_images, test_labels = (
        np.load(dataset / "test_images.npy"),
        np.load(dataset / "test_labels.npy"),
    )
    right = {name: predict(path, test_images) == test_labels for name, path in models.items()}
    rows = []
    for name in models:
        fixed = int((right[name] & ~right["fp32"]).sum())
        broken = int((~right[name] & right["fp32"]).sum())
        row = {
            "model": name,
            "top1": float(right[name].mean()),
            "low": binomtest(int(right[name].sum()), len(test_labels))
            .proportion_ci(method="wilson")
            .low,
            "mcnemar_p": binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1.0,
            "bytes": models[name].stat().st_size,
        }
        (output / f"{name}_eval.json").write_text(json.dumps(row))
        rows.append(row)
    pd.DataFrame(rows).to_csv(output / "comparison.csv", index=False)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
