"""Ranges of all activation tensors, measured once and used for every dtype."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import (
    CalibraterBase,
    CalibrationCacheEncoder,
    CalibrationDataReader,
    HistogramCalibrater,
    HistogramCollector,
    TensorData,
    TensorsData,
    create_calibrator,
)
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from ptq_comparison.calibration.mse_ranges import least_error_ranges
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import write_text
from ptq_comparison.config.methods import METHODS
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_batch


class OneBatch(CalibrationDataReader):  # type: ignore[misc]
    """Hand one batch to onnxruntime."""

    def __init__(self, inputs: dict[str, np.ndarray]) -> None:
        self._inputs: Iterator[dict[str, np.ndarray]] = iter([inputs])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._inputs, None)


def calibrate(
    model: onnx.ModelProto,
    batches: Batches,
    method: str,
    options: dict[str, Any],
    progress: Any,
) -> TensorsData:
    """Return the range of every float tensor that `quantize_static` may want to quantize.

    The ranges equal those of onnxruntime's calibrator given all images in one batch, but for MSE,
    which it does not have (see `least_error_ranges`). Memory does not grow with the number of
    images. The ranges are the same bytes for any batch size, which takes a session of one thread:
    with more, sums are added in another order. `options` are those of `methods.method_options`.
    `progress` is a tqdm bar of images, each of which counts once for each pass of the method.
    Raises UserError when activations are not finite.
    """
    with _calibrator(model, method, options) as calibrator:
        if method == "MinMax":
            ranges = _min_max(calibrator, batches, progress)
        elif method == "MSE":
            low, high, _ = _extremes(calibrator, batches, progress)
            activations = _activations(calibrator, batches, progress)
            ranges = least_error_ranges(activations, low, high, options["num_bins"])
        else:
            ranges = _histogram(calibrator, batches, progress)
    for name, data in ranges.items():
        _check_finite(name, data.lowest, data.highest)
    return ranges


@contextmanager
def _calibrator(
    model: onnx.ModelProto, method: str, options: dict[str, Any]
) -> Iterator[CalibraterBase]:
    """Yield onnxruntime's calibrator with a session of one thread, for MSE one with histograms."""
    kind = CalibrationMethod[METHODS[method].calibrator]
    # What quantize_static looks at when it calibrates by itself.
    op_types = sorted(set(QLinearOpsRegistry) | set(QDQRegistry))
    with tempfile.TemporaryDirectory() as scratch:
        # onnxruntime writes beside the path that it is given: parallel jobs need a private copy.
        path = Path(scratch) / "model.onnx"
        onnx.save(model, path)
        augmented = Path(scratch) / "augmented.onnx"
        calibrator = create_calibrator(path, op_types, str(augmented), kind, extra_options=options)
        calibrator.infer_session = make_session(onnx.load(augmented), threads=1, optimize=False)
        yield calibrator


def _min_max(calibrator: CalibraterBase, batches: Batches, progress: Any) -> TensorsData:
    # onnxruntime keeps what it collects in one call until that call ends: hence a call a batch.
    for batch in batches:
        calibrator.collect_data(OneBatch(batch.inputs))
        progress.update(batch.images)
    return calibrator.compute_data()


def _histogram(calibrator: HistogramCalibrater, batches: Batches, progress: Any) -> TensorsData:
    """Find the edges of the histograms in a first pass and count in a second one.

    onnxruntime makes the edges from the first images and stretches them for later ones, so that
    its ranges depend on the order of the images, unless it is given all of them at once.
    """
    low, high, smallest = _extremes(calibrator, batches, progress)
    collector = HistogramCollector(
        method=calibrator.method,
        symmetric=calibrator.symmetric,
        num_bins=calibrator.num_bins,
        num_quantized_bins=calibrator.num_quantized_bins,
        percentile=calibrator.percentile,
        scenario=calibrator.scenario,
    )
    counts: dict[str, np.ndarray] = {}
    for name, values in _activations(calibrator, batches, progress):
        threshold = np.maximum(np.abs(low[name]), np.abs(high[name]))
        # Of absolute values for Percentile, symmetric about 0 for Entropy, as onnxruntime has it.
        start = smallest[name] if calibrator.symmetric else -threshold
        hist, edges = np.histogram(
            np.abs(values) if calibrator.symmetric else values,
            bins=calibrator.num_bins,
            range=(start, threshold),  # type: ignore[arg-type]  # float32, as in onnxruntime
        )
        counts[name] = counts.get(name, 0) + hist
        stored = (counts[name], edges.astype(np.float32), low[name], high[name])
        collector.histogram_dict[name] = stored if calibrator.symmetric else (*stored, threshold)
    calibrator.collector = collector
    return calibrator.compute_data()


def _extremes(
    calibrator: HistogramCalibrater, batches: Batches, progress: Any
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return lowest, highest and smallest absolute value of each tensor, float32."""
    low: dict[str, np.ndarray] = {}
    high: dict[str, np.ndarray] = {}
    smallest: dict[str, np.ndarray] = {}  # which symmetric histograms start at
    for name, values in _activations(calibrator, batches, progress):
        low[name] = np.minimum(low.get(name, np.float32(np.inf)), values.min())
        high[name] = np.maximum(high.get(name, np.float32(-np.inf)), values.max())
        absolute = np.abs(values).min()
        smallest[name] = np.minimum(smallest.get(name, np.float32(np.inf)), absolute)
    for name in low:
        _check_finite(name, low[name], high[name])
    return low, high, smallest


def _activations(
    calibrator: HistogramCalibrater, batches: Batches, progress: Any
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and values of each tensor to calibrate, batch by batch."""
    names = sorted(calibrator.tensors_to_calibrate)
    for batch in batches:
        yield from zip(names, run_batch(calibrator.infer_session, names, batch), strict=True)
        progress.update(batch.images)


def _check_finite(name: str, low: np.ndarray, high: np.ndarray) -> None:
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise UserError(
            f"model.source: tensor {name!r} becomes {np.ravel(low)} to {np.ravel(high)} on the "
            "calibration images; check the weights and model.scale, model.mean, model.std"
        )


def write_ranges(path: Path, ranges: TensorsData, provenance: Mapping[str, Any]) -> None:
    """Write ranges as JSON in the format of onnxruntime's calibration cache, sorted by tensor name.

    onnxruntime's own order follows a Python set and thus changes from run to run. Histograms are
    left out; `provenance` is added, which onnxruntime overlooks.
    """
    data = {
        name: TensorData(lowest=ranges[name].lowest, highest=ranges[name].highest)
        for name in sorted(ranges)
    }
    content = {
        **TensorsData(ranges.calibration_method, data).to_dict(),
        "smooth_quant": False,
        "provenance": provenance,
    }
    write_text(path, json.dumps(content, cls=CalibrationCacheEncoder) + "\n")
