"""A model in ORT format beside the ONNX file that it was made from: sizes and predictions."""

import logging
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ptq_comparison.common.errors import first_line
from ptq_comparison.common.not_made import read_not_made
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, predict_scores, predicted_classes
from ptq_comparison.model.loading import load_model


class Twins(TypedDict):
    """What a model in ORT format changes; None behind `bytes_onnx` where `reason` says why."""

    model: str
    bytes_onnx: int
    bytes_ort: int | None
    ratio: float | None  # of the sizes, ORT to ONNX
    images: int
    changed_predictions: int | None
    largest_score_difference: float | None
    reason: str | None


def compare_twins(
    name: str, paths: tuple[Path, Path], batches: Batches, classes: int, threads: int, progress: Any
) -> Twins:
    """Predict with a model as ONNX and as ORT, the two paths, and return what differs.

    A marker of common/not_made in place of the second file, or one that does not load or predict,
    is a reason. `progress` is a bar over twice the images.
    """
    onnx_path, ort_path = paths
    row = Twins(
        model=name,
        bytes_onnx=onnx_path.stat().st_size,
        bytes_ort=None,
        ratio=None,
        images=len(batches.images),
        changed_predictions=None,
        largest_score_difference=None,
        reason=read_not_made(ort_path),
    )
    if row["reason"] is not None:
        progress.update(2 * row["images"])
        return row
    expected = predict_scores(
        make_session(load_model(onnx_path), threads), batches, classes, progress
    )
    try:
        found = predict_scores(make_session(str(ort_path), threads), batches, classes, progress)
    except Exception as error:  # of onnxruntime, which has many kinds
        logging.exception("%s", ort_path)
        row["reason"] = first_line(error)
        return row
    size = ort_path.stat().st_size
    row["bytes_ort"], row["ratio"] = size, size / row["bytes_onnx"]
    changed = predicted_classes(found) != predicted_classes(expected)
    row["changed_predictions"] = int(changed.sum())
    row["largest_score_difference"] = float(np.abs(found - expected).max())
    return row
