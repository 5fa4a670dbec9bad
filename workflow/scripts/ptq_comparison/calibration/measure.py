"""Ranges from stored images to a file, for the calibration that recipes share."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.calibration.provenance import calibration_provenance
from ptq_comparison.config.methods import METHODS
from ptq_comparison.inference.batch_size import choose_batch_size
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.model_inputs import Chosen
from ptq_comparison.model.loading import load_model


def measure_ranges(
    model_path: Path,
    images_path: Path,
    chosen: np.ndarray,
    calibration: dict[str, Any],
    params: Any,
    ranges_path: Path,
    progress: Callable[[int], AbstractContextManager[Any]],
) -> None:
    """Write the ranges of a float32 model, with their provenance.

    `images_path` is the `.npy` of the calibration images, of which `chosen`, int64 (n,), count.
    `calibration` is that of `calibration_options`; `params` are those of `choose_batch_size`.
    `progress` returns a counter to a number of images. Raises what `calibrate` raises.
    """
    method, options = calibration["method"], dict(calibration["options"])
    provenance = calibration_provenance(
        model_path, images_path, params.preprocessing, method, dict(options)
    )
    options.pop("samples_per_class")  # which `chosen` tells
    model = load_model(model_path)
    images = Chosen(np.load(images_path, mmap_mode="r"), chosen)
    # onnxruntime itself takes the extremes of tensors, so that MinMax fetches nothing else.
    size = choose_batch_size(model, images, params, fetches_all=method != "MinMax")
    batches = Batches.of(images, model, params.preprocessing, size)
    with progress(METHODS[method].passes * len(images)) as bar:
        ranges = calibrate(model, batches, method, options, bar)
    logging.info("%s: ranges of %d tensors, %d images", method, len(ranges.data), len(images))
    write_ranges(ranges_path, ranges, provenance)
