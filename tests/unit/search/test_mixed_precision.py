"""Rule mix_precision: nodes in float32 that are slower in 8 bits, or that cost agreement."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from helpers import OPTIONS, RAW, make_images, make_outlier_classifier
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation import latency
from ptq_comparison.evaluation.metrics import paired_difference_interval
from ptq_comparison.evaluation.timing import Times, summarize
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session
from ptq_comparison.quantization.quantize import quantize
from ptq_comparison.search import mixed_precision_speeds
from ptq_comparison.search.mixed_precision import (
    Search,
    Step,
    choose_step,
    give_up,
    is_near,
    mix_precision,
)
from ptq_comparison.search.mixed_precision_speeds import add_speed, time_steps
from ptq_comparison.search.moves import Move, possible_moves
from ptq_comparison.search.trial import Trial, exclude, quantizer
from tqdm import tqdm

IMAGES, LABELS = make_images(60, seed=6)
MODEL = make_outlier_classifier()
RANKING = ["outlier", "conv", "pool", "softmax"]
MOVES = [Move(node, (node,)) for node in RANKING]


def predict(model):
    inputs = {"image": IMAGES.astype(np.float32)}
    return make_session(model, 1).run(None, inputs)[0]


@pytest.fixture
def trial(tmp_path):
    batches = Batches.of(IMAGES, MODEL, RAW, 16)
    ranges = tmp_path / "ranges.json"
    write_ranges(ranges, calibrate(MODEL, batches, "MinMax", {}, tqdm(disable=True)), {})

    return Trial(quantizer(MODEL, ranges, {"method": "MinMax"}, OPTIONS), batches, predict(MODEL))


def search(trial, moves=MOVES, target=0.0, timer=None):
    return list(mix_precision(Search(trial, trial, RANKING, LABELS, timer), moves, RANKING, target))


def in_float(model):
    """Return the nodes that compute with float32 weights or values."""
    quantized = {
        name for n in model.graph.node if n.op_type == "DequantizeLinear" for name in n.output
    }
    return [n.name for n in model.graph.node if n.name in RANKING and not quantized & {*n.input}]


def test_what_costs_most_comes_first_and_what_brings_nothing_not_at_all(trial):
    steps = search(trial)
    assert [step.row["node"] for step in steps][:2] == ["", "outlier"]
    divergences = [step.row["kl_divergence"] for step in steps]
    assert divergences == sorted(divergences, reverse=True)
    for step in steps:
        model = trial.quantize(step.in_float)
        own = predict(model).argmax(axis=1) == LABELS
        fp32 = predict(MODEL).argmax(axis=1) == LABELS
        row = step.row
        assert (row["correct"], row["total"], row["top1"]) == (own.sum(), 60, own.mean())
        assert row["delta_pp"] == pytest.approx(100 * (own.mean() - fp32.mean()))
        low, high = paired_difference_interval(np.sum(own & ~fp32), np.sum(fp32 & ~own), 60)
        assert row["delta_ci95_low_pp"] == pytest.approx(100 * low)
        assert row["delta_ci95_high_pp"] == pytest.approx(100 * high)
        assert row["bytes"] == len(model.SerializeToString())
        assert row["nodes_in_float"] + row["nodes_quantized"] == len(RANKING)
    # Every model that had a part in the choice is a try.
    assert [step.row["tries"] for step in steps][:2] == [1, 8]


def test_it_stops_where_hardly_a_prediction_changes(trial):
    steps = search(trial, target=100.0)
    assert [step.row["node"] for step in steps] == [""]
    assert is_near(steps[0], 100.0) and not is_near(steps[0], 1.0)


def test_nodes_that_are_slower_in_8_bits_come_first_even_where_they_cost_nothing(trial):
    def timer(before, after):
        faster = "conv" in in_float(after) and "conv" not in in_float(before)
        return (1.2, 1.1) if faster else (0.95, 0.9)

    steps = search(trial, timer=timer)
    assert [step.row["node"] for step in steps][:3] == ["", "conv", "outlier"]
    noise = search(trial, timer=lambda before, after: (1.2, 0.9))
    assert noise[1].row["node"] == "outlier"


def test_a_faster_step_that_costs_agreement_is_not_taken(trial):
    """Where the outlier is in float32, 8 bits in another place are what costs."""

    def quantize_worse(nodes):
        return trial.quantize([] if "conv" in nodes else ["outlier", *nodes])

    worse = replace(trial, quantize=quantize_worse)

    def timer(before, after):
        return 2.0, 1.9

    names = [
        step.row["node"] for step in search(worse, moves=[Move("conv", ("conv",))], timer=timer)
    ]
    assert names == [""]


def test_a_kind_of_nodes_is_one_step(trial):
    moves = possible_moves(MODEL, RANKING)
    assert moves == [
        Move("classifier", ("outlier", "pool", "softmax")),
        Move("outlier", ("outlier",)),
        Move("first_conv", ("conv",)),
        Move("pools", ("pool",)),
        Move("softmax", ("softmax",)),
    ]
    steps = search(trial, moves=moves[:1])
    assert [step.row["nodes_in_float"] for step in steps] == [0, 3]


def refuse(trial, node):
    """Return a trial that cannot quantize a node."""

    def quantize(nodes):
        if node not in nodes:
            raise UserError("no kernel; exclude the node")
        return trial.quantize(nodes)

    return replace(trial, quantize=quantize)


def test_nodes_in_the_way_are_left_out_until_it_can_be_made(trial):
    steps = search(refuse(trial, "conv"))
    assert [step.in_float for step in steps][:3] == [[], ["outlier"], ["outlier", "conv"]]
    assert [step.row["reason"] for step in steps][:3] == ["no kernel; exclude the node"] * 2 + [""]
    for step in steps[:2]:
        assert [step.row[key] for key in ("correct", "delta_pp", "bytes")] == [None] * 3
    assert choose_step(steps) >= 2


def test_without_any_step_the_first_reason_is_told(trial):
    steps = search(refuse(trial, "nowhere"))
    assert all(step.agrees is None for step in steps)
    with pytest.raises(UserError, match=r"no step on the way to auto .* no kernel; exclude the"):
        choose_step(steps)


def made(agreeing, speedup=None, size=100, quantized=1):
    agrees = np.arange(1000) < agreeing
    row = {"nodes_quantized": quantized, "speedup": speedup, "bytes": size, "reason": ""}
    return Step({**row, "agreement": agreeing / 1000}, [], agrees)


def test_of_equal_steps_the_fastest_is_auto_then_the_smallest():
    assert choose_step([made(900, 3.0), made(990, 1.5), made(992, 1.2)]) == 1
    assert choose_step([made(990, 1.501, 90), made(992, 1.5, 100)]) == 0
    assert choose_step([made(992), made(990, None, 90)]) == 1
    assert choose_step([made(990, 1.5), made(1000, 1.0, quantized=0)]) == 0  # float32 is none


def test_a_step_that_does_not_pass_the_checks_is_given_up(trial):
    steps = search(trial)
    given_up = give_up(steps[0], UserError("probabilities sum to 0.9; exclude the last nodes"))
    assert given_up.agrees is None and given_up.row["correct"] is None
    assert given_up.row["reason"].startswith("probabilities sum to 0.9")
    assert (given_up.row["node"], given_up.row["tries"]) == ("", 1)
    with pytest.raises(MemoryError):
        give_up(steps[0], MemoryError())


def test_steps_are_timed_in_groups_each_with_float32(trial, monkeypatch):
    """So many sessions as a large model has steps need not fit into memory."""
    calls = []

    def measure(models, settings, seconds, progress):
        calls.append(dict(models))
        return [{key: Times(np.full((4, 3), 0.01), np.full(4, 0.1)) for key in models}]

    monkeypatch.setattr(latency, "measure", measure)
    monkeypatch.setattr(mixed_precision_speeds, "STEPS_IN_MEMORY", 2)
    steps = search(trial)
    steps = [*steps[:2], give_up(steps[0], UserError("no")), steps[0]]
    timed = time_steps(steps, trial.quantize, MODEL, {(1, 16): trial.batches}, 0.1, None)
    assert [list(models) for models in calls] == [["fp32", "0", "1"], ["fp32", "3"]]
    assert all(models["fp32"] is MODEL for models in calls)
    expected = trial.quantize(["outlier"])
    assert calls[0]["1"].SerializeToString() == expected.SerializeToString()
    assert [step.row["speedup"] for step in timed] == [1.0, 1.0, None, 1.0]
    assert [list(step.row) for step in timed] == [list(timed[0].row)] * 4


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


def test_nodes_in_float_have_the_weights_of_the_model_not_the_refined_ones(trial, tmp_path):
    refined = onnx.ModelProto()
    refined.CopyFrom(MODEL)
    for tensor in refined.graph.initializer:
        if tensor.name in ("w", "passing"):
            values = onnx.numpy_helper.to_array(tensor) / 2
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    make = quantizer(MODEL, tmp_path / "ranges.json", {}, OPTIONS, refined)
    weights = {i.name: i for i in make(["outlier"]).graph.initializer}
    own = next(i for i in MODEL.graph.initializer if i.name == "passing")
    assert weights["passing"].SerializeToString() == own.SerializeToString()
    plain = {i.name: i for i in trial.quantize(["outlier"]).graph.initializer}
    scale = onnx.numpy_helper.to_array
    assert scale(weights["w_scale"]) == pytest.approx(scale(plain["w_scale"]) / 2)
