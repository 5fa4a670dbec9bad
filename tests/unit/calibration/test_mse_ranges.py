"""The range of least squared error: where it clips, and how near it is to the best of all."""

import itertools

import numpy as np
import pytest
from onnx import TensorProto
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.quant_utils import quantize_data
from ptq_comparison.calibration.mse_ranges import best_ranges, least_error_ranges, squared_errors
from scipy.optimize import minimize_scalar
from scipy.special import erfc

PARTS = np.arange(1, 129) / 128
ONCE = np.ones(1)


def ends_of(rows):
    return np.array([rows.min(axis=1).clip(max=0), rows.max(axis=1).clip(min=0)])


VALUES = np.linspace(-40, 40, 8001)[np.newaxis]
ENDS = np.array([[-40.0], [40.0]])
# How often these values occur: densities with tails, of which the second is skewed.
LAPLACE = np.exp(-np.abs(VALUES))
SKEWED = np.where(VALUES < 0, np.exp(8 * VALUES), np.exp(-VALUES))
NORMAL = np.exp(-(VALUES**2) / 8)  # of standard deviation 2


def test_errors_are_those_of_onnxruntime():
    values = np.random.default_rng(0).normal(size=300).astype(np.float32)
    for low, high in ((-1.5, 2.5), (-0.3, 0.2), (0.0, 1.0)):
        zero_point, scale, levels = quantize_data(
            values, TensorProto.UINT8, False, rmin_override=low, rmax_override=high
        )
        restored = scale * (levels.astype(int) - int(zero_point))
        expected = np.sum((restored - values) ** 2)
        ends = np.array([[low], [high]])
        assert squared_errors(values[np.newaxis], ONCE, ends, 255) == pytest.approx(
            [expected], rel=1e-4
        )


# The mean squared error of clipping at plus and minus a: R. Banner, Y. Nahshan and D. Soudry, "Post
# training 4-bit quantization of convolutional networks for rapid-deployment", NeurIPS 2019.
CLIPPING = {
    "Laplace": lambda a: 2 * np.exp(-a),
    "normal": lambda a: (a**2 + 1) * erfc(a / 2**0.5) - a * (2 / np.pi) ** 0.5 * np.exp(-a * a / 2),
}


@pytest.mark.parametrize("steps", [127, 255])
@pytest.mark.parametrize(
    ("density", "counts", "unit"), [("Laplace", LAPLACE, 1), ("normal", NORMAL, 2)]
)
@pytest.mark.parametrize("symmetric", [False, True])
def test_thresholds_are_those_of_the_formula(density, counts, unit, steps, symmetric):
    def error(a):
        return CLIPPING[density](a) + (2 * a / steps) ** 2 / 12

    expected = unit * minimize_scalar(error, bounds=(1, 20), method="bounded").x
    low, high = best_ranges(VALUES, counts, ENDS, steps, symmetric).ravel()
    assert (-low, high) == pytest.approx((expected, expected), abs=2 * 40 / 128)


@pytest.mark.parametrize("counts", [LAPLACE, SKEWED, NORMAL])
def test_error_is_that_of_the_best_of_all_pairs_of_ends(counts):
    best = best_ranges(VALUES, counts, ENDS, 255)
    pairs = itertools.product(PARTS[:64], PARTS[:64])
    errors = [squared_errors(VALUES, counts, ENDS * np.array(pair)[:, None], 255) for pair in pairs]
    assert squared_errors(VALUES, counts, best, 255) <= 1.001 * np.min(errors)


def test_the_same_part_of_both_ends_if_symmetric():
    best = best_ranges(VALUES, SKEWED, ENDS, 254, symmetric=True)
    errors = [squared_errors(VALUES, SKEWED, part * ENDS, 254) for part in PARTS]
    assert np.array_equal(best, PARTS[np.argmin(errors)] * ENDS)


def test_rows_do_not_matter_to_each_other():
    rows, counts = np.repeat(VALUES, 3, axis=0), np.concatenate([LAPLACE, SKEWED, NORMAL])
    together = best_ranges(rows, counts, np.repeat(ENDS, 3, axis=1), 255)
    alone = [best_ranges(VALUES, count[np.newaxis], ENDS, 255) for count in counts]
    assert np.array_equal(together, np.concatenate(alone, axis=1))


def test_values_that_are_spread_evenly_are_not_clipped_by_more_than_half_a_step():
    """Half a step is as good as a level at the end: the middle of the outer level is nearer."""
    rows = np.stack([np.linspace(-1, 1, 9999), np.linspace(-0.2, 3, 9999), np.linspace(1, 2, 9999)])
    ends = ends_of(rows)
    best = best_ranges(rows, ONCE, ends, 255)
    assert (np.abs(best - ends) <= (ends[1] - ends[0]) / 255 / 2).all()
    assert np.array_equal(best[1], [1, 3, 2])


def test_values_that_the_levels_hold_exactly_are_not_clipped():
    """As pixels from 0 to 255, however rare the bright ones are; and a tensor of one value."""
    pixels = np.arange(256.0)[np.newaxis]
    counts = np.where(pixels < 50, 10000, 1)
    assert best_ranges(pixels, counts, ends_of(pixels), 255).ravel().tolist() == [0, 255]
    zeros = np.zeros((1, 3))
    assert best_ranges(zeros, ONCE, ends_of(zeros), 255).ravel().tolist() == [0, 0]


def test_counts_stand_for_repeated_values():
    values = np.random.default_rng(1).laplace(size=(1, 3000)).round(1)
    unique, counts = np.unique(values, return_counts=True)
    repeated = best_ranges(values, ONCE, ends_of(values), 15)
    assert (np.abs(repeated) < np.abs(ends_of(values))).all()
    counted = best_ranges(unique[np.newaxis], counts, ends_of(values), 15)
    assert np.array_equal(counted, repeated)


def test_ranges_from_a_histogram_are_as_good_as_those_from_all_values():
    generator = np.random.default_rng(2)
    tensors = {
        "both": generator.laplace(size=400_000),
        "positive": generator.exponential(size=400_000),
        "constant": np.full(8, 3.0),
        "far from 0": np.linspace(5, 6, 8),
    }
    tensors = {name: values.astype(np.float32) for name, values in tensors.items()}
    activations = [(name, part) for name, v in tensors.items() for part in np.split(v, 8)]
    low = {name: values.min() for name, values in tensors.items()}
    high = {name: values.max() for name, values in tensors.items()}
    ranges = least_error_ranges(activations, low, high, bins=2048)
    assert ranges.calibration_method == CalibrationMethod.MinMax
    for name in ("both", "positive"):
        values = tensors[name][np.newaxis].astype(np.float64)
        ends = ends_of(values)
        found = np.array([end.astype(np.float64) for end in ranges[name].range_value])
        errors = [squared_errors(values, ONCE, ends * part, 255).item() for part in PARTS[32:]]
        assert squared_errors(values, ONCE, found, 255) <= 1.01 * min(errors)
        assert found[1] < 0.95 * ends[1]
    assert [end.item() for end in ranges["constant"].range_value] == [0, 3]
    assert [end.item() for end in ranges["far from 0"].range_value] == [0, 6]
