"""Rule measure_sensitivity: which nodes onnxruntime quantizes, and which of them costs most."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from helpers import OPTIONS, RAW, REPOSITORY, make_classifier, make_images, make_outlier_classifier
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.common.csv_rows import read_rows, write_rows
from ptq_comparison.evaluation.fidelity import kl_divergence, sqnr_db
from ptq_comparison.evaluation.metrics import wilson_interval
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.graph import name_nodes
from ptq_comparison.search.results import is_made
from ptq_comparison.search.sensitivity import (
    candidate_nodes,
    measure_all,
    measure_node,
    measure_share,
    order,
    rank,
)
from ptq_comparison.search.trial import Trial, quantizer
from tqdm import tqdm

IMAGES, _ = make_images(60, seed=6)
PROVENANCE = {"method": "MinMax"}


@pytest.fixture
def make_trial(tmp_path):
    def make(model, **changes):
        options = {**OPTIONS, **changes}
        batches = Batches.of(IMAGES, model, RAW, 16)
        ranges = tmp_path / "ranges.json"
        write_ranges(ranges, calibrate(model, batches, "MinMax", {}, tqdm(disable=True)), {})

        return Trial(quantizer(model, ranges, PROVENANCE, options), batches, predict(model))

    return make


def predict(model):
    session = make_session(model, 1)
    name = model.graph.input[0].name
    return session.run(None, {name: Batches.of(IMAGES, model, RAW, 60).preprocessing(IMAGES)})[0]


def measure(trial, model, **changes):
    candidates = candidate_nodes(model, {**OPTIONS, **changes})
    nodes = [node for node in model.graph.node if node.name in candidates]
    return [row for node in nodes for row in measure_node(trial, node, candidates)]


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("QDQ", ["conv", "pool", "softmax"]),
        # The integer operator of the pool is taken only where its input is quantized already.
        ("QOperator", ["conv", "softmax"]),
    ],
)
def test_nodes_that_only_follow_others_are_left_out(make_trial, format, expected):
    model = make_classifier()
    trial = make_trial(model, format=format)
    names = ["transpose", "conv", "relu", "pool", "flatten", "softmax"]
    assert candidate_nodes(model, OPTIONS) == names
    rows = measure(trial, model)
    assert [row["node"] for row in rows] == [name for name in expected for _ in range(2)]
    assert [row["mode"] for row in rows] == ["only", "all_but"] * len(expected)


def test_shares_together_have_every_row_once(make_trial):
    model = make_classifier()
    trial, candidates = make_trial(model), candidate_nodes(model, OPTIONS)
    with tqdm(disable=True) as progress:
        shares = [measure_share(trial, model, candidates, n, 4, progress) for n in range(1, 5)]
    assert shares[0][0]["mode"] == "all"
    rows = [row for share in shares for row in share]
    expected = [measure_all(trial), *measure(trial, model)]
    assert sorted(rows, key=str) == sorted(expected, key=str)


def test_a_pytorch_model_of_logits_is_measured(make_trial):
    model = onnx.load(REPOSITORY / "tests/data/pytorch_nchw.onnx")
    rows = measure(make_trial(model), model)
    only = {row["node"]: row["op_type"] for row in rows if row["mode"] == "only"}
    assert {"/0/Conv": "Conv", "/5/Gemm": "Gemm"}.items() <= only.items()
    assert not {"Relu", "Flatten"} & set(only.values())


def test_candidates_are_those_of_the_recipe():
    model = make_classifier()
    only_conv = {**OPTIONS, "op_types_to_quantize": ["Conv"]}
    assert candidate_nodes(model, only_conv) == ["conv"]
    without = {**OPTIONS, "nodes_to_exclude": ["conv", "relu"]}
    assert candidate_nodes(model, without) == ["transpose", "pool", "flatten", "softmax"]


def test_only_one_node_and_all_but_one_are_quantized(make_trial):
    """The three modes against models made by hand, and their figures against numpy."""
    model = make_classifier()
    before = model.SerializeToString()
    trial = make_trial(model)
    rows = {(row["node"], row["mode"]): row for row in [measure_all(trial), *measure(trial, model)]}
    names = candidate_nodes(model, OPTIONS)
    kept = {("", "all"): []}
    for node in ("conv", "pool", "softmax"):
        kept[node, "only"] = [name for name in names if name != node]
        kept[node, "all_but"] = [node]
    assert set(rows) == set(kept)
    fp32 = predict(model)
    for key, in_float in kept.items():
        scores = predict(trial.quantize(in_float))
        equal = int(np.sum(scores.argmax(axis=1) == fp32.argmax(axis=1)))
        row = rows[key]
        assert row["images"] == 60 and row["agreement"] == equal / 60
        limits = (row["agreement_ci95_low"], row["agreement_ci95_high"])
        assert limits == wilson_interval(equal, 60)
        assert row["kl_divergence"] == pytest.approx(kl_divergence(fp32, scores), rel=1e-6)
        assert row["sqnr_db"] == pytest.approx(sqnr_db(fp32, scores), rel=1e-6)
        assert row["kl_divergence"] > 0
    assert model.SerializeToString() == before


def test_what_the_recipe_excludes_stays_in_float(make_trial):
    model = make_classifier()
    trial = make_trial(model, nodes_to_exclude=["pool", "softmax"])
    rows = measure(trial, model, nodes_to_exclude=["pool", "softmax"])
    assert {row["node"] for row in rows} == {"conv"}
    # Without the only node that is left nothing is quantized.
    (all_but,) = [row for row in rows if row["mode"] == "all_but"]
    assert all_but["agreement"] == 1 and all_but["kl_divergence"] == pytest.approx(0, abs=1e-9)
    assert measure_all(trial)["kl_divergence"] > 1e-9


def test_the_node_with_outlying_weights_is_the_worst(make_trial):
    model = make_outlier_classifier()
    trial = make_trial(model)
    rows = measure(trial, model)
    assert rank(rows)[0] == "outlier" and set(rank(rows)) == {"conv", "outlier", "pool", "softmax"}
    figures = {(row["node"], row["mode"]): row["agreement"] for row in rows}
    assert figures["outlier", "only"] < 0.5 < 0.9 < figures["conv", "only"]
    assert figures["outlier", "all_but"] > 0.9 and figures["conv", "all_but"] < 0.5
    # A scale for each output channel does not help: the outlier is in each of them.
    per_channel = measure(make_trial(model, per_channel=True), model)
    assert rank(per_channel)[0] == "outlier"


def test_the_order_is_that_of_divergence_alone():
    def row(node, mode, divergence):
        return {"node": node, "mode": mode, "kl_divergence": divergence}

    rows = [
        row("a", "only", 0.1),
        row("a", "all_but", 9.0),
        row("b", "only", 0.3),
        row("c", "only", 0.1),
        row("", "all", 5.0),
    ]
    assert rank(rows) == ["b", "a", "c"]
    assert [(row["rank"], row["node"], row["mode"]) for row in order(rows)] == [
        (0, "", "all"),
        (1, "b", "only"),
        (2, "a", "only"),
        (2, "a", "all_but"),
        (3, "c", "only"),
    ]


def test_nodes_without_a_name_get_one(make_trial):
    model = make_classifier()
    for node in model.graph.node:
        if node.name in ("conv", "softmax"):
            node.name = ""
    model.graph.node[2].name = "c"  # also the name of the output of the convolution
    named = name_nodes(model)
    assert [node.name for node in named.graph.node] == [
        *["transpose", "c_", "c", "pool", "flatten", "scores"]
    ]
    assert [node.name for node in model.graph.node].count("") == 2
    rows = measure(make_trial(named), named)
    assert {row["node"] for row in rows} == {"c_", "pool", "scores"}


def refuse(trial, impossible):
    """Return a trial that cannot quantize what `impossible` tells of the nodes in float32."""

    def quantize(in_float):
        if impossible(set(in_float)):
            raise RuntimeError("no such\n  kernel")
        return trial.quantize(in_float)

    return replace(trial, quantize=quantize)


def test_a_node_that_cannot_be_quantized_has_a_reason_and_comes_first(make_trial):
    model = make_classifier()
    trial = refuse(make_trial(model), lambda in_float: "pool" not in in_float)
    rows = [measure_all(trial), *measure(trial, model)]
    made = [(row["node"], row["mode"]) for row in rows if is_made(row)]
    assert made == [("conv", "only"), ("pool", "all_but"), ("softmax", "only")]
    for row in rows:
        expected = "" if is_made(row) else "unexpected RuntimeError: no such kernel"
        assert row["reason"] == expected
        figures = [row[key] for key in row if key not in ("node", "op_type", "mode", "reason")]
        assert all(value is None for value in figures) != is_made(row)
    assert rank(rows)[0] == "pool" and order(rows)[1]["node"] == "pool"
    assert len({tuple(row) for row in rows}) == 1  # the same columns


def test_nodes_without_which_the_recipe_can_be_made_come_next(make_trial):
    """Each node can be quantized alone, but not the pool and the softmax together."""
    model = make_classifier()
    trial = refuse(make_trial(model), lambda in_float: not in_float & {"pool", "softmax"})
    rows = [measure_all(trial), *measure(trial, model)]
    assert all(is_made(row) for row in rows if row["mode"] == "only")
    assert set(rank(rows)[:2]) == {"pool", "softmax"} and rank(rows)[2] == "conv"


def test_a_full_disk_is_no_matter_of_a_node(make_trial):
    def quantize(in_float):
        raise OSError("no space left on device")

    trial = replace(make_trial(make_classifier()), quantize=quantize)
    with pytest.raises(OSError, match="no space"):
        measure_all(trial)


def test_rows_without_figures_survive_csv(make_trial, tmp_path):
    model = make_classifier()
    trial = refuse(make_trial(model), lambda in_float: "pool" not in in_float)
    rows = order([measure_all(trial), *measure(trial, model)])
    write_rows(tmp_path / "a.csv", rows)
    assert rank(read_rows(tmp_path / "a.csv")) == rank(rows)
    assert read_rows(tmp_path / "a.csv") == rows
