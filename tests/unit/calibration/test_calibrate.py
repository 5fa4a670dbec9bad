"""Rule calibrate: the ranges equal those of onnxruntime, for any batch size, in flat memory."""

import json

import numpy as np
import onnx
import pytest
from helpers import RAW, make_classifier, make_images, make_nan_classifier
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import (
    CalibrationDataReader,
    create_calibrator,
    load_tensors_data,
)
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.methods import METHODS as TABLE
from ptq_comparison.inference.batches import Batches
from tqdm import tqdm

IMAGES, _ = make_images(45, seed=4)
OF_ONNXRUNTIME = {
    "MinMax": {},
    "Percentile": {"percentile": 99.0, "num_bins": 512},
    "Entropy": {"num_bins": 512, "num_quantized_bins": 32},
}
METHODS = {**OF_ONNXRUNTIME, "MSE": {"num_bins": 512}}


def run(method, batch_size, model=None, options=None):
    model = model or make_classifier()
    options = METHODS[method] if options is None else options
    progress = tqdm(disable=True)
    return calibrate(model, Batches.of(IMAGES, model, RAW, batch_size), method, options, progress)


class AllAtOnce(CalibrationDataReader):
    def __init__(self):
        self.inputs = iter([{"image": IMAGES.astype(np.float32)}])

    def get_next(self):
        return next(self.inputs, None)


@pytest.mark.parametrize("method", OF_ONNXRUNTIME)
@pytest.mark.parametrize("batch_size", [7, 45])
def test_ranges_equal_those_of_onnxruntime_given_all_at_once(tmp_path, method, batch_size):
    onnx.save(make_classifier(), tmp_path / "model.onnx")
    calibrator = create_calibrator(
        tmp_path / "model.onnx",
        None,
        str(tmp_path / "augmented.onnx"),
        CalibrationMethod[method],
        extra_options=METHODS[method],
    )
    calibrator.collect_data(AllAtOnce())
    expected = calibrator.compute_data()
    ranges = run(method, batch_size)
    assert {"image", "c", "r", "scores"} <= set(ranges.keys())
    for name, data in ranges.items():
        low, high = np.ravel(expected[name].range_value)
        assert np.abs(np.ravel(data.range_value) - (low, high)).max() <= 1e-5 * (high - low), name


def test_minmax_holds_the_extremes_and_the_others_cut_them():
    limits = {method: np.ravel(run(method, 10)["image"].range_value) for method in METHODS}
    assert tuple(limits["MinMax"]) == (IMAGES.min(), IMAGES.max())
    assert limits["Percentile"][1] < IMAGES.max()
    minmax, entropy = run("MinMax", 10), run("Entropy", 10)
    assert any(
        np.ravel(entropy[name].range_value)[1] < np.ravel(minmax[name].range_value)[1]
        for name in minmax.keys()  # noqa: SIM118  # TensorsData is no dict
    )


def test_mse_ranges_lie_within_the_extremes_and_hold_0():
    """Noise from 0 to 219 takes whole numbers, which levels of a step of 1 would hold exactly."""
    minmax, mse = run("MinMax", 10), run("MSE", 10)
    assert set(mse.keys()) == set(minmax.keys())
    for name in minmax.keys():  # noqa: SIM118
        (low, high), (lowest, highest) = minmax[name].range_value, mse[name].range_value
        assert min(low, 0) <= lowest <= 0 <= highest <= max(high, 0), name
        assert highest > lowest and lowest.shape == highest.shape == low.shape


def test_entropy_with_the_defaults_of_onnxruntime_would_be_minmax():
    """Why num_bins has another default here, and fewer than twice the levels are refused."""
    defaults = {"num_bins": 128, "num_quantized_bins": 128}
    minmax, entropy = run("MinMax", 10), run("Entropy", 10, options=defaults)
    for name in minmax.keys():  # noqa: SIM118
        expected = np.ravel(minmax[name].range_value)
        assert np.ravel(entropy[name].range_value) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_ranges_are_the_same_bytes_for_any_batch_size(tmp_path, method):
    """A fixed batch of 4 leaves one image for the last batch, which is filled up."""
    contents = set()
    for size, batch in ((1, "batch"), (7, "batch"), (45, "batch"), (7, 4)):
        write_ranges(tmp_path / "ranges.json", run(method, size, make_classifier(batch=batch)), {})
        contents.add((tmp_path / "ranges.json").read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize("method", METHODS)
def test_progress_counts_every_pass(method):
    model = make_classifier()
    with tqdm(disable=False, file=open("/dev/null", "w")) as progress:
        calibrate(model, Batches.of(IMAGES, model, RAW, 10), method, METHODS[method], progress)
        assert progress.n == TABLE[method].passes * len(IMAGES)


def make_clipping_classifier(batch="batch"):
    """Return the classifier with Clip instead of Relu, and its limits as nodes: scalar floats."""
    model = make_classifier(batch=batch)
    relu = next(i for i, node in enumerate(model.graph.node) if node.name == "relu")
    model.graph.node[relu].CopyFrom(helper.make_node("Clip", ["c", "zero", "six"], ["r"]))
    for name, value in (("zero", 0), ("six", 6)):
        limit = numpy_helper.from_array(np.float32(value))
        model.graph.node.insert(0, helper.make_node("Constant", [], [name], value=limit))
    return model


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch", ["batch", 4])
def test_a_scalar_constant_is_a_tensor_without_batch_axis(method, batch):
    ranges = run(method, 7, make_clipping_classifier(batch))
    assert np.ravel(ranges["six"].range_value)[1] == pytest.approx(6, rel=0.02)
    assert np.ravel(ranges["r"].range_value)[1] <= 6


@pytest.mark.filterwarnings("ignore:All-NaN axis")
@pytest.mark.parametrize("method", METHODS)
def test_activations_that_are_not_finite_name_the_tensor(method):
    with pytest.raises(UserError, match=r"tensor .\w+. becomes"):
        run(method, 10, make_nan_classifier())


@pytest.mark.parametrize(("method", "known"), [("Percentile", "Percentile"), ("MSE", "MinMax")])
def test_file_is_read_by_onnxruntime_sorted_and_alone(tmp_path, method, known):
    path = tmp_path / "ranges.json"
    ranges = run(method, 10)
    write_ranges(path, ranges, {"model_sha256": "0"})
    content = json.loads(path.read_text())
    assert list(content["data"]) == sorted(content["data"])
    assert content["provenance"] == {"model_sha256": "0"}
    assert [path.name for path in tmp_path.iterdir()] == ["ranges.json"]
    loaded = load_tensors_data(path)
    assert loaded.calibration_method == CalibrationMethod[known]
    for name, data in ranges.items():
        assert loaded[name].range_value == data.range_value


def with_middle(*nodes, **constants):
    """Return the classifier with nodes between Relu and pooling, from `r` to `m`."""
    model = make_classifier()
    place = next(i for i, node in enumerate(model.graph.node) if node.name == "pool")
    model.graph.node[place].input[0] = "m"
    for node in reversed(nodes):
        model.graph.node.insert(place, node)
    for name, values in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    return model


@pytest.mark.parametrize("method", METHODS)
def test_a_tensor_without_elements_has_the_range_of_0(method):
    ends = {"zero": np.array([0]), "axis": np.array([1])}
    model = with_middle(
        helper.make_node("Slice", ["r", "zero", "zero", "axis"], ["empty"], name="slice"),
        helper.make_node("Concat", ["r", "empty"], ["m"], name="concat", axis=1),
        **ends,
    )
    ranges, expected = run(method, 10, model), run(method, 10)
    low, high = ranges["empty"].range_value
    assert (np.ravel(low), np.ravel(high)) == ([0], [0])
    assert ranges["m"].range_value == expected["r"].range_value
    assert ranges["scores"].range_value == expected["scores"].range_value


@pytest.mark.parametrize("value", [-np.inf, np.finfo(np.float32).min])
@pytest.mark.parametrize("method", METHODS)
def test_a_mask_of_the_model_may_be_infinite(method, value):
    mask = np.zeros((1, 1, 1, 8), np.float32)
    mask[..., 4:] = value
    model = with_middle(
        helper.make_node("Add", ["r", "mask"], ["masked"], name="add"),
        helper.make_node("Softmax", ["masked"], ["m"], name="soft", axis=-1),
        mask=mask,
    )
    ranges, expected = run(method, 10, model), run(method, 10)
    assert np.ravel(ranges["masked"].lowest) == np.float32(value)
    assert ranges["r"].range_value == expected["r"].range_value
    assert 0 <= np.ravel(ranges["m"].lowest)[0] <= np.ravel(ranges["m"].highest)[0] <= 1.001


@pytest.mark.filterwarnings("ignore:(overflow|invalid value|divide by zero)")
@pytest.mark.parametrize("method", METHODS)
def test_infinite_activations_without_infinite_constants_name_the_tensor(method):
    model = with_middle(
        helper.make_node("Log", ["nothing"], ["m"], name="log"), nothing=np.zeros(1, np.float32)
    )
    zero = helper.make_node("Mul", ["r", "nothing"], ["none"], name="mul")
    place = next(i for i, node in enumerate(model.graph.node) if node.name == "log")
    model.graph.node[place].input[0] = "none"
    model.graph.node.insert(place, zero)
    with pytest.raises(UserError, match=r"tensor 'm' becomes \[-inf\] to \[-inf\]"):
        run(method, 10, model)


@pytest.mark.parametrize("method", METHODS)
def test_a_tensor_that_differs_by_rounding_alone_has_a_range(method):
    """The average of probabilities is the same for all images, but for the order of the sums."""
    soft = helper.make_node("Softmax", ["r"], ["m"], name="soft", axis=-1)
    low, high = run(method, 10, with_middle(soft))["g"].range_value
    assert np.ravel(low)[0] <= 0.125 and np.ravel(high)[0] == pytest.approx(0.125, rel=0.01)
