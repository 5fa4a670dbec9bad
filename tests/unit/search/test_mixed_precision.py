"""Rules mix_precision and time_mixed: the worst nodes stay in float32 until the accuracy is near
enough."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import OPTIONS, RAW, make_images, make_outlier_classifier
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation import latency
from ptq_comparison.evaluation.latency import Times, summarize
from ptq_comparison.evaluation.metrics import paired_difference_interval
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session
from ptq_comparison.quantization.checks import is_quantized
from ptq_comparison.quantization.quantize import quantize
from ptq_comparison.search import mixed_precision_speeds
from ptq_comparison.search.mixed_precision import last_quantized, mix_precision
from ptq_comparison.search.mixed_precision_speeds import add_speed, time_steps
from ptq_comparison.search.results import is_made
from ptq_comparison.search.trial import Trial, exclude, quantizer
from tqdm import tqdm

IMAGES, LABELS = make_images(60, seed=6)
MODEL = make_outlier_classifier()
RANKING = ["outlier", "conv", "pool", "softmax"]


def predict(model):
    inputs = {"image": IMAGES.astype(np.float32)}
    return make_session(model, 1).run(None, inputs)[0]


@pytest.fixture
def trial(tmp_path):
    batches = Batches.of(IMAGES, MODEL, RAW, 16)
    ranges = tmp_path / "ranges.json"
    write_ranges(ranges, calibrate(MODEL, batches, "MinMax", {}, tqdm(disable=True)), {})

    return Trial(quantizer(MODEL, ranges, {"method": "MinMax"}, OPTIONS), batches, predict(MODEL))


def test_it_stops_where_the_loss_is_small_enough(trial):
    rows = list(mix_precision(trial, RANKING, LABELS, 10.0))
    assert [(row["nodes_in_float"], row["node"]) for row in rows] == [(0, ""), (1, "outlier")]
    assert [row["nodes_quantized"] for row in rows] == [4, 3]
    assert rows[0]["delta_pp"] < -10 <= rows[1]["delta_pp"]
    fp32 = predict(MODEL).argmax(axis=1) == LABELS
    for row in rows:
        model = trial.quantize(RANKING[: row["nodes_in_float"]])
        own = predict(model).argmax(axis=1) == LABELS
        assert (row["correct"], row["total"], row["top1"]) == (own.sum(), 60, own.mean())
        assert row["delta_pp"] == pytest.approx(100 * (own.mean() - fp32.mean()))
        low, high = paired_difference_interval(np.sum(own & ~fp32), np.sum(fp32 & ~own), 60)
        assert row["delta_ci95_low_pp"] == pytest.approx(100 * low)
        assert row["delta_ci95_high_pp"] == pytest.approx(100 * high)
        assert row["bytes"] == len(model.SerializeToString())
    assert rows[0]["kl_divergence"] > rows[1]["kl_divergence"]


def test_a_recipe_that_is_good_enough_stays_as_it_is(trial):
    (row,) = mix_precision(trial, RANKING, LABELS, 100.0)
    assert (row["nodes_in_float"], row["nodes_quantized"]) == (0, 4)


def test_a_target_that_is_not_reached_ends_with_all_nodes_in_float(trial):
    """The worst node comes last here, so that only float32 itself loses nothing."""
    ranking = ["softmax", "pool", "conv", "outlier"]
    rows = list(mix_precision(trial, ranking, LABELS, 1.0))
    assert [row["nodes_in_float"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[-1]["nodes_quantized"] == 0 and rows[-1]["delta_pp"] == 0
    models = [trial.quantize(ranking[:kept]) for kept in range(5)]
    assert [is_quantized(model) for model in models] == [True] * 4 + [False]
    assert last_quantized(rows) is rows[3] and last_quantized(rows[:2]) is rows[1]


def test_the_target_itself_is_near_enough(trial):
    first = next(mix_precision(trial, RANKING, LABELS, 0.0))
    assert first["delta_pp"] < 0
    steps = {
        target: len(list(mix_precision(trial, RANKING, LABELS, target)))
        for target in (-first["delta_pp"], -first["delta_pp"] - 0.1)
    }
    assert list(steps.values()) == [1, 2]


def test_steps_are_timed_in_groups_each_with_float32(trial, monkeypatch):
    """So many sessions as a large model has steps need not fit into memory."""
    calls = []

    def measure(models, settings, seconds, progress):
        calls.append(dict(models))
        return [{key: Times(np.full((4, 3), 0.01), np.full(4, 0.1)) for key in models}]

    monkeypatch.setattr(latency, "measure", measure)
    monkeypatch.setattr(mixed_precision_speeds, "STEPS_IN_MEMORY", 2)
    rows = list(mix_precision(trial, ["softmax", *RANKING[:3]], LABELS, 1.0))
    assert len(rows) == 3
    timed = time_steps(rows, trial.quantize, MODEL, {(1, 16): trial.batches}, 0.1, None)
    assert [list(models) for models in calls] == [["fp32", "0", "1"], ["fp32", "2"]]
    assert all(models["fp32"] is MODEL for models in calls)
    expected = trial.quantize(["softmax", "outlier"])
    assert calls[1]["2"].SerializeToString() == expected.SerializeToString()
    assert [{key: row[key] for key in rows[0]} for row in timed] == rows
    assert {(row["speedup"], row["threads"], row["batch_size"]) for row in timed} == {(1.0, 1, 16)}


def test_speeds_are_against_the_float_model_in_the_same_blocks():
    fp32 = Times(np.full((4, 3), 0.010), np.full(4, 0.1))
    times = [Times(np.full((4, 3), seconds), np.full(4, 0.1)) for seconds in (0.005, 0.008)]
    speeds = [summarize(own, fp32, threads=1, batch_size=8) for own in times]
    rows = [add_speed({"nodes_in_float": step}, speed) for step, speed in enumerate(speeds)]
    assert [row["nodes_in_float"] for row in rows] == [0, 1]
    assert [row["speedup"] for row in rows] == pytest.approx([2.0, 1.25])
    assert [row["images_per_second"] for row in rows] == pytest.approx([1600, 1000])
    assert rows[0]["speedup_ci95_low"] == pytest.approx(2.0)
    assert rows[0]["threads"] == 1 and rows[0]["batch_size"] == 8


def test_a_step_is_what_quantize_writes(trial, tmp_path):
    """Byte for byte, so that the size of the last step is that of the file."""
    options = exclude({**OPTIONS, "nodes_to_exclude": ["pool"]}, ["outlier"])
    assert options["nodes_to_exclude"] == ["pool", "outlier"]
    quantize(
        MODEL,
        tmp_path / "ranges.json",
        tmp_path / "model.onnx",
        tmp_path / "model.json",
        {"method": "MinMax"},
        trial.batches,
        **options,
    )
    again = quantizer(MODEL, tmp_path / "ranges.json", {"method": "MinMax"}, options)
    assert again([]).SerializeToString() == (tmp_path / "model.onnx").read_bytes()


def refuse(trial, node):
    """Return a trial that cannot quantize a node."""

    def quantize(in_float):
        if node not in in_float:
            raise UserError("no kernel; exclude the node")
        return trial.quantize(in_float)

    return replace(trial, quantize=quantize)


def test_steps_that_cannot_be_made_have_a_reason_and_the_search_goes_on(trial):
    rows = list(mix_precision(refuse(trial, "pool"), ["outlier", "pool", "conv"], LABELS, 10.0))
    assert [row["nodes_in_float"] for row in rows] == [0, 1, 2]
    assert [row["reason"] for row in rows] == ["no kernel; exclude the node"] * 2 + [""]
    for row in rows[:2]:
        assert [row[key] for key in ("correct", "delta_pp", "bytes")] == [None] * 3
    assert last_quantized(rows) is rows[2] and rows[2]["delta_pp"] >= -10


def test_a_step_that_does_not_pass_the_checks_is_not_made(trial):
    written = []

    def write(in_float):
        if len(in_float) < 2:
            raise UserError("probabilities sum to 0.9; exclude the last nodes")
        written.append(list(in_float))

    rows = list(mix_precision(trial, RANKING, LABELS, 10.0, write))
    assert [bool(row["reason"]) for row in rows] == [True, True, False]
    assert written == [RANKING[:2]] and last_quantized(rows) is rows[-1]
    # float32 itself, the last step, is no model to write.
    written.clear()
    rows = list(mix_precision(trial, RANKING, LABELS, -200.0, write))
    assert rows[-1]["nodes_quantized"] == 0 and is_made(rows[-1])
    assert written == [RANKING[:2], RANKING[:3]] and last_quantized(rows) is rows[-2]


def test_without_any_step_the_first_reason_is_told(trial):
    rows = list(mix_precision(refuse(trial, "nowhere"), RANKING, LABELS, 10.0))
    assert len(rows) == len(RANKING) + 1
    with pytest.raises(UserError, match=r"no step on the way to auto .* no kernel; exclude the"):
        last_quantized(rows)


def test_steps_that_cannot_be_made_are_not_timed(trial, monkeypatch):
    def measure(models, settings, seconds, progress):
        return [{key: Times(np.full((4, 3), 0.01), np.full(4, 0.1)) for key in models}]

    monkeypatch.setattr(latency, "measure", measure)
    refusing = refuse(trial, "pool")
    rows = list(mix_precision(refusing, ["outlier", "pool", "conv"], LABELS, 10.0))
    timed = time_steps(rows, refusing.quantize, MODEL, {(1, 16): trial.batches}, 0.1, None)
    assert [row["speedup"] for row in timed] == [None, None, 1.0]
    assert [list(row) for row in timed] == [list(timed[0])] * 3
