"""Models drawn at random are quantized as their operators have it, or refused with the reason."""

from collections import Counter

import numpy as np
import onnx
import pytest
from helpers import OPTIONS
from helpers.drawn_graphs import CLASSES, SIDE, classifiers
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, predict_scores
from ptq_comparison.preparation.float_checks import check_float_model, check_runs
from ptq_comparison.preparation.quantizable_form import quantizable_form
from ptq_comparison.quantization.quantize import check_recipe, quantize
from tqdm import tqdm

SEED = 12
IMAGES = np.random.default_rng(0).integers(0, 256, (24, SIDE, SIDE, 3), dtype=np.uint8)
PREPROCESSING = {"layout": "NCHW", "scale": 1 / 255, "mean": 0.0, "std": 1.0}
DTYPES = {"int8": ("QInt8", "QInt8"), "uint8": ("QUInt8", "QUInt8"), "u8s8": ("QUInt8", "QInt8")}
METHODS = {
    "MinMax": {},
    "Percentile": {"percentile": 99.9, "num_bins": 512},
    "MSE": {"num_bins": 256},
}
# Why a graph may be refused: the error names what is wrong, and the remedy is one of these.
REMEDIES = (
    "by channel set format to QDQ",
    "set model.opset",
    "export the model again from sound weights",
    "name the node in quantization.nodes_to_exclude",
    "set it to false, or name the node",
)


@st.composite
def recipes(draw):
    activation_type, weight_type = DTYPES[draw(st.sampled_from(sorted(DTYPES)))]
    options = {
        **OPTIONS,
        "activation_type": activation_type,
        "weight_type": weight_type,
        "format": draw(st.sampled_from(["QDQ", "QOperator"])),
        "per_channel": draw(st.booleans()),
        "reduce_range": draw(st.booleans()),
    }
    return options, draw(st.sampled_from([*["MinMax"] * 3, *METHODS]))


def scores(model):
    batches = Batches.of(IMAGES, model, PREPROCESSING, len(IMAGES))
    return predict_scores(make_session(model, 1), batches, CLASSES, tqdm(disable=True))


def quantize_drawn(model, options, method, folder):
    """Return the check of the quantized model; raises UserError where the model is refused."""
    check_float_model(model, 11, "the test")
    form, _ = quantizable_form(model)
    onnx.checker.check_model(form)
    assert quantizable_form(form) == (form, [])  # nothing is left to be done
    before, after = scores(model), scores(form)
    assert np.allclose(before, after, rtol=1e-3, atol=1e-4 * np.abs(before).max())
    check_runs(form, PREPROCESSING, IMAGES.shape[1:], CLASSES)
    check_recipe(form, "quantization", options)
    batches = Batches.of(IMAGES, form, PREPROCESSING, len(IMAGES))
    ranges = calibrate(form, batches, method, METHODS[method], tqdm(disable=True))
    write_ranges(folder / "ranges.json", ranges, {})
    quantize(
        form,
        folder / "ranges.json",
        folder / "model.onnx",
        folder / "model.json",
        {"method": method},
        batches,
        **options,
    )
    scores(onnx.load(folder / "model.onnx"))
    return read_json(folder / "model.json")


# Each graph is calibrated and quantized: five a second.
@pytest.mark.parametrize(
    "graphs",
    [pytest.param(100, marks=pytest.mark.slow), pytest.param(2000, marks=pytest.mark.soak)],
)
def test_drawn_graphs(graphs, tmp_path, record_property, capfd):
    """Shrinking would take long: a failure names its graph, and `--hypothesis-seed` repeats it."""
    counts = Counter()

    @seed(SEED)
    @settings(
        max_examples=graphs,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(classifiers(), recipes())
    def try_one(model, recipe):
        counts["drawn"] += 1
        options, method = recipe
        try:
            check = quantize_drawn(model, options, method, tmp_path)
        except UserError as error:
            counts["refused"] += 1
            reason = str(error)
        else:
            counts["quantized"] += 1
            counts["with nodes in float32"] += bool(check["kept_in_float"])
            assert all(node["error_steps"] <= node["allowed_steps"] for node in check["nodes"])
            return
        assert any(remedy in reason for remedy in REMEDIES), reason
        capfd.readouterr()  # onnxruntime prints a lot

    try_one()
    assert counts["quantized"] > counts["drawn"] / 2
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    record_property("told", f"graphs drawn at random, seed {SEED}: {told}")
