"""Ranges of all activation tensors, measured once and used for every dtype."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from ptq_comparison.model.layers import UNBOUNDED, largest, named_constants


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
    `progress` is a tqdm bar of images, each of which counts once for each pass of the method. A
    tensor without elements gets the range of 0 alone. One may be infinite only where constants of
    the model are, as in the mask of an attention. Raises UserError when activations are not finite
    otherwise.
    """
    with _calibrator(model, method, options) as calibrator:
        if method == "MinMax":
            ranges = _min_max(calibrator, batches, progress)
        else:
            # onnxruntime makes the edges of its histograms from the first images and stretches
            # them for later ones, so that its ranges depend on the order of the images, unless it
            # is given all of them at once: hence a first pass for the edges.
            low, high, smallest = _extremes(calibrator, batches, progress)
            bins = calibrator.num_bins
            names = sorted(n for n in low if _has_histogram(low[n], high[n], smallest[n], bins))
            activations = _activations(calibrator, batches, progress, names)
            if method == "MSE":
                lowest, highest = ({n: ends[n] for n in names} for ends in (low, high))
                ranges = least_error_ranges(activations, lowest, highest, options["num_bins"])
            else:
                ranges = _histogram(calibrator, activations, low, high, smallest)
            for name in sorted(low.keys() - set(names)):
                ranges.data[name] = TensorData(lowest=low[name], highest=high[name])
    has_bounds = any(largest(tensor) >= UNBOUNDED for _, tensor in named_constants(model))
    sound = {}
    order = {
        name: place for place, name in enumerate(o for n in model.graph.node for o in n.output)
    }
    # The first tensor that is not finite is the one to look at.
    for name in sorted(ranges.keys(), key=lambda name: order.get(name, -1)):
        data = ranges[name]
        low, high = data.lowest, data.highest
        if np.all(low == np.inf) and np.all(high == -np.inf):  # of no elements
            zero = np.zeros_like(low)
            sound[name] = TensorData(lowest=zero, highest=zero)
        elif _is_finite(low, high):
            sound[name] = data
        elif has_bounds and not np.isnan(low).any() and not np.isnan(high).any():
            sound[name] = data  # `quantize_model` keeps its nodes in float32
        else:
            raise UserError(
                f"model.source: tensor {name!r} becomes {np.ravel(low)} to {np.ravel(high)} on the "
                "calibration images; check the weights and model.scale, model.mean, model.std"
            )
    return TensorsData(ranges.calibration_method, sound)


def _has_histogram(low: np.ndarray, high: np.ndarray, smallest: np.ndarray, bins: int) -> bool:
    """Tell whether float32 has so many steps between the ends of a histogram, or these are equal.

    A histogram may be one of absolute values.
    """
    if not _is_finite(low, high):
        return False
    pairs = (low, high), (smallest, np.maximum(np.abs(low), np.abs(high)))
    edges = [np.linspace(start, end, num=bins + 1, dtype=np.float32) for start, end in pairs]
    return all((np.diff(each) > 0).all() or each[0] == each[-1] for each in edges)


def _is_finite(low: np.ndarray, high: np.ndarray) -> bool:
    return bool(np.all(np.maximum(np.abs(low), np.abs(high)) < UNBOUNDED))


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


def _histogram(
    calibrator: HistogramCalibrater,
    activations: Iterable[tuple[str, np.ndarray]],
    low: Mapping[str, np.ndarray],
    high: Mapping[str, np.ndarray],
    smallest: Mapping[str, np.ndarray],
) -> TensorsData:
    """Count values in histograms whose edges are known; the last three are as in `_extremes`."""
    collector = HistogramCollector(
        method=calibrator.method,
        symmetric=calibrator.symmetric,
        num_bins=calibrator.num_bins,
        num_quantized_bins=calibrator.num_quantized_bins,
        percentile=calibrator.percentile,
        scenario=calibrator.scenario,
    )
    counts: dict[str, np.ndarray] = {}
    for name, values in activations:
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
    infinity, names = np.float32(np.inf), sorted(calibrator.tensors_to_calibrate)
    for name, values in _activations(calibrator, batches, progress, names):
        # A tensor may have no elements.
        low[name] = np.minimum(low.get(name, infinity), values.min(initial=infinity))
        high[name] = np.maximum(high.get(name, -infinity), values.max(initial=-infinity))
        absolute = np.abs(values).min(initial=infinity)
        smallest[name] = np.minimum(smallest.get(name, infinity), absolute)
    return low, high, smallest


def _activations(
    calibrator: HistogramCalibrater, batches: Batches, progress: Any, names: Sequence[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and values of tensors to calibrate, batch by batch."""
    for batch in batches:
        yield from zip(names, run_batch(calibrator.infer_session, names, batch), strict=True)
        progress.update(batch.images)


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
