"""The range whose grid of levels gives the least mean squared error.

A narrow range clips the largest values, a wide one rounds all others more coarsely. Published as
OMSE by Y. Choukroun, E. Kravchik, F. Yang and P. Kisilev, "Low-bit Quantization of Neural Networks
for Efficient Inference", ICCV Workshops 2019; recommended for weights and activations by M. Nagel
et al., "A White Paper on Neural Network Quantization", arXiv 2106.08295, 2021, section 3.1.
"""

from collections.abc import Iterable, Mapping
from itertools import product

import numpy as np
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import TensorData, TensorsData

LEVELS = 256  # of an activation
# Parts of both ends of a range that are tried: a coarse search from 1/16 to 1, then a fine one
# around the best. What is added to the best part so far:
COARSE = np.arange(0, -16, -1) / 16
FINE = np.arange(7, -8, -1) / 128


def least_error_ranges(
    activations: Iterable[tuple[str, np.ndarray]],
    low: Mapping[str, np.ndarray],
    high: Mapping[str, np.ndarray],
    bins: int,
) -> TensorsData:
    """Return the best range of each tensor for 256 levels, from a histogram of `bins` bins.

    `activations` are pairs of the name of a tensor and some of its values, of which `low` and
    `high` are the extremes, float32. The ranges say that they are of onnxruntime's method MinMax:
    it has no MSE and reads only ranges of a method that it knows.
    """
    counts = dict.fromkeys(low, np.zeros((), np.int64))
    for name, values in activations:
        limits = float(low[name]), float(high[name])
        counts[name] = counts[name] + np.histogram(values, bins, limits)[0]
    data = {}
    for name, count in counts.items():
        limits = float(low[name]), float(high[name])
        width = (limits[1] - limits[0]) / bins
        centres = limits[0] + (np.flatnonzero(count) + 0.5) * width
        ends = np.array([[min(limits[0], 0.0)], [max(limits[1], 0.0)]])
        best = best_ranges(centres[np.newaxis], count[count > 0], ends, LEVELS - 1)
        lowest, highest = best.astype(np.float32)
        data[name] = TensorData(lowest=lowest, highest=highest)
    return TensorsData(CalibrationMethod.MinMax, data)


def best_ranges(
    values: np.ndarray, counts: np.ndarray, ends: np.ndarray, steps: int, symmetric: bool = False
) -> np.ndarray:
    """Return lowest and highest value of the best range of each row, float64 (2, rows).

    `values` (rows, n) occur `counts` times each, of a shape that broadcasts to theirs. `ends`
    (2, rows) are the limits without clipping, with 0 between them: the best ones are parts of
    them, in steps of 1/128; if `symmetric`, the same part of both. `steps` is the number of levels
    less one. Where clipping gains nothing, the ends are returned as they are.
    """
    best = np.ones(ends.shape)  # parts of both ends
    least = squared_errors(values, counts, ends, steps)
    for offsets in (COARSE, FINE):
        centre = best.copy()
        pairs = zip(offsets, offsets, strict=True) if symmetric else product(offsets, offsets)
        for pair in pairs:
            parts = np.minimum(centre + np.array(pair)[:, np.newaxis], 1)
            errors = squared_errors(values, counts, ends * parts, steps)
            better = errors < least
            least[better], best[:, better] = errors[better], parts[:, better]
    chosen: np.ndarray = ends * best
    return chosen


def squared_errors(
    values: np.ndarray, counts: np.ndarray, ends: np.ndarray, steps: int
) -> np.ndarray:
    """Return the sum of the squared errors of each row on the grid between its ends, (2, rows).

    As in onnxruntime the zero point is rounded, so that 0 has a level of its own.
    """
    low, high = ends[:, :, np.newaxis]
    scale = (high - low) / steps
    scale[scale == 0] = 1
    zero_point = np.rint(-low / scale)
    levels = np.clip(np.rint(values / scale) + zero_point, 0, steps)
    errors: np.ndarray = np.sum(counts * ((levels - zero_point) * scale - values) ** 2, axis=1)
    return errors
