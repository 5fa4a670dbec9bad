"""What the rules evaluate and measure_latency write, from predictions."""

from typing import Any

import numpy as np
from ptq_comparison.evaluation import metrics

from helpers.images import CLASSES


def make_evaluations(
    models: dict[str, np.ndarray], labels: np.ndarray, classes: tuple[str, ...] = CLASSES
) -> list[dict[str, Any]]:
    """Return evaluations of models by their predictions, int64 (N,), the first one float32."""
    baseline = next(iter(models.values()))
    evaluations = []
    for number, (name, predicted) in enumerate(models.items()):
        other = baseline if number else None
        correct = int((predicted == labels).sum())
        evaluations.append(
            {
                "model": {"name": name, "bytes": 96_000 if number else 320_000, "nodes": 25},
                "dataset": {"name": "npz", "description": "", "images": len(labels)},
                "accuracy": metrics.accuracy(correct, len(labels)),
                "baseline": metrics.paired_comparison(predicted, baseline, labels)
                if number
                else None,
                **score_metrics(is_float=not number),
                "per_class": metrics.per_class_accuracy(predicted, other, labels, list(classes)),
                "confusion_matrix": metrics.confusion_matrix(
                    predicted, labels, len(classes)
                ).tolist(),
                "calibration": None,
                "executed": {"nodes": 9, "integer_nodes": 0, "conversions": 0, "layers": {}},
                "saturation": None,
                "runtime": {"onnxruntime": "1.32.0", "cpu": "CPU", "isa": ["avx2"]},
            }
        )
    return evaluations


def score_metrics(is_float: bool) -> dict[str, Any]:
    """Return what an evaluation tells of scores, of a model with a few classes."""
    error = {"ece": 0.0312, "delta_pp": None if is_float else 0.25}
    return {
        "top5": None,
        "present_classes": None,
        "two_classes": None,
        "calibration_error": error,
        "ties": {"images": 0 if is_float else 2, "share": 0.0 if is_float else 0.02},
    }


def make_speeds(models: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return a row of latency.json for each model, each a little slower than the one before."""
    return {
        name: {
            "model": name,
            "threads": 1,
            "batch_size": 1,
            "images_per_second": 8000.0 / (1 + number),
            "speedup": 1 / (1 + number),
            "speedup_ci95": [0.99 / (1 + number), 1.01 / (1 + number)],
        }
        for number, name in enumerate(models)
    }
