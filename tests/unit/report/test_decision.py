"""Which model to ship: told apart by the test, then by speed, then by size."""

import numpy as np
import pytest
from helpers import make_evaluations, make_speeds
from ptq_comparison.report.decision import Candidate, choose, decide, reason_for_slowness
from ptq_comparison.report.verdict import is_slower

LABELS = np.zeros(1000, np.int64)


def wrong(*ranges):
    """Return predictions that are wrong in ranges of images."""
    predicted = np.zeros(1000, np.int64)
    for begin, end in ranges:
        predicted[begin:end] = 1
    return predicted


def decide_among(models, speedups=None, max_drop_pp=3.0, sizes=None, intervals=None):
    """Return the decision among models by their predictions, of which fp32 is the first."""
    evaluations = make_evaluations(models, LABELS)
    for evaluation in evaluations[1:]:
        evaluation["model"]["bytes"] = (sizes or {}).get(evaluation["model"]["name"], 100_000)
    speeds = make_speeds(tuple(models)) if speedups else {}
    for name, speedup in (speedups or {}).items():
        speeds[name] |= {"speedup": speedup, "speedup_ci95": [0.98 * speedup, 1.02 * speedup]}
        speeds[name] |= {"speedup_ci95": intervals[name]} if name in (intervals or {}) else {}
    right = {name: predicted == LABELS for name, predicted in models.items()}
    return decide(evaluations, right, speeds, max_drop_pp)


FLOAT = wrong((0, 100))


def test_of_models_that_images_cannot_tell_apart_the_fastest():
    models = {"fp32": FLOAT, "best": wrong((0, 100)), "fast": wrong((0, 103))}
    decision = decide_among(models, {"best": 1.2, "fast": 1.5})
    assert decision.model == "fast"
    first, why = decision.sentences
    assert first == (
        "Ship fast: it keeps 99.7 % of the float32 accuracy (-0.30 pp, not significant) at 31 % of "
        "the size, and is faster: 1.50 times the speed of float32 on this machine (1 thread, "
        "batch 1)."
    )
    assert why.startswith("Why fast: these images cannot tell it from best (") and "fastest" in why


def test_a_faster_model_that_is_right_less_often_is_not_chosen():
    models = {"fp32": FLOAT, "best": wrong((0, 100)), "fast": wrong((0, 125))}
    decision = decide_among(models, {"best": 1.2, "fast": 9.0})
    assert decision.model == "best"
    assert decision.sentences[1].startswith("fast is right less often (exact McNemar test")


def test_as_many_errors_in_other_images_are_no_difference():
    """It is the images that differ, not the accuracies, which the paired test looks at."""
    models = {"fp32": FLOAT, "best": wrong((0, 100)), "fast": wrong((0, 50), (200, 260))}
    assert decide_among(models, {"best": 1.2, "fast": 1.3}).model == "fast"


def test_holm_counts_all_comparisons():
    """p = 0.03 of one model is a difference; of three models beside it, it is none."""
    other = wrong((0, 105), (200, 201))  # 6 lost against best, p = 0.031
    models = {"fp32": FLOAT, "best": wrong((0, 100)), "fast": other}
    speedups = {"best": 1.0, "fast": 2.0}
    assert decide_among(models, speedups).model == "best"
    same = {"b": wrong((0, 100)), "c": wrong((0, 100))}
    assert decide_among({**models, **same}, {**speedups, "b": 1.0, "c": 1.0}).model == "fast"


def test_the_best_model_is_right_most_often_and_of_equals_the_smaller():
    models = [
        Candidate(name, 1000 - errors, 0.0, size, None, wrong((0, errors)) == LABELS)
        for name, errors, size in (("a", 5, 100), ("b", 3, 101), ("c", 3, 100))
    ]
    assert choose(models, 3.0).best.name == "c"
    models[1] = models[1]._replace(bytes=99)
    assert choose(models, 3.0).best.name == "b"


def test_of_equally_fast_models_the_smaller():
    models = {"fp32": FLOAT, "a": wrong((0, 100)), "b": wrong((0, 101))}
    decision = decide_among(models, {"a": 1.201, "b": 1.199}, sizes={"b": 90_000})
    assert decision.model == "b" and "as fast and smaller" in decision.sentences[1]


def test_without_speeds_the_smallest():
    models = {"fp32": FLOAT, "a": wrong((0, 100)), "b": wrong((0, 101))}
    decision = decide_among(models, sizes={"b": 90_000})
    assert decision.model == "b" and "speed" not in " ".join(decision.sentences)
    assert decision.sentences[1].endswith("it is the smallest.")


def test_a_single_model_needs_no_reason():
    assert len(decide_among({"fp32": FLOAT, "only": FLOAT}).sentences) == 1


def test_a_loss_beyond_the_limit_is_not_shipped():
    models = {"fp32": FLOAT, "a": wrong((0, 140)), "b": wrong((0, 150))}
    decision = decide_among(models, {"a": 2.0, "b": 3.0})
    assert decision.model is None
    assert decision.sentences[0] == (
        "Ship none of them: the best, a, loses 4.00 pp of accuracy, more than the 3 pp that "
        "acceptance.max_drop_pp allows."
    )
    assert decide_among(models, {"a": 2.0, "b": 3.0}, max_drop_pp=4.0).model == "a"


def test_a_model_beyond_the_limit_is_not_chosen_though_equal():
    models = {"fp32": FLOAT, "a": wrong((0, 100)), "b": wrong((0, 104))}
    assert decide_among(models, {"a": 1.0, "b": 2.0}, max_drop_pp=0.3).model == "a"


@pytest.mark.parametrize(
    ("speedup", "interval", "text"),
    [
        (0.8, [0.78, 0.82], ", but is slower: 0.80 times"),
        (0.98, [0.95, 1.01], ", and is about as fast: 0.98 times"),
        (1.1, [1.05, 1.15], ", and is faster: 1.10 times"),
        (0.7, [0.5, 0.9], "other load disturbed this measurement (0.50 to 0.90)"),
    ],
)
def test_the_interval_decides_on_slower_and_faster(speedup, interval, text):
    decision = decide_among(
        {"fp32": FLOAT, "only": FLOAT}, {"only": speedup}, intervals={"only": interval}
    )
    assert text in decision.sentences[0]
    assert any("snakemake recommend" in s for s in decision.sentences) == (interval[1] < 1)


def test_is_slower_beyond_the_interval():
    assert is_slower({"speedup_ci95": [0.8, 0.99]}) and not is_slower({"speedup_ci95": [0.8, 1.0]})


def layers(integer, floats):
    return {"integer": [f"i{n}" for n in range(integer)], "float": [f"f{n}" for n in range(floats)]}


@pytest.mark.parametrize(
    ("executed", "isa", "reason"),
    [
        (
            {"convolution": layers(4, 5), "matrix product": layers(1, 0)},
            ["avx2"],
            "5 of 9 convolutions run in float32 on this CPU (f0, f1, f2 and 2 more), with 7 "
            "conversions from and to 8 bits around them",
        ),
        (
            {"convolution": layers(0, 1), "matrix product": layers(0, 1)},
            ["avx2"],
            "1 of 1 convolution and 1 of 1 matrix product run in float32 on this CPU (f0, f0), "
            "with 7 conversions from and to 8 bits around them",
        ),
        (
            {"convolution": layers(9, 0), "matrix product": layers(1, 0)},
            ["avx2"],
            "all 9 convolutions and 1 matrix product run in integers, which takes longer than "
            "float32 on this CPU, which has no VNNI",
        ),
        (
            {"convolution": layers(9, 0)},
            ["avx2", "avx512_vnni"],
            "all 9 convolutions run in integers, which takes longer than float32 on this CPU",
        ),
        (
            {"convolution": layers(9, 0)},
            ["neon", "asimd"],
            "all 9 convolutions run in integers, which takes longer than float32 on this CPU, "
            "which has no dot product of 8 bits",
        ),
        (
            {"convolution": layers(9, 0)},
            ["asimd", "asimddp"],
            "all 9 convolutions run in integers, which takes longer than float32 on this CPU",
        ),
    ],
)
def test_the_reason_is_counted_from_the_graph_that_runs(executed, isa, reason):
    (_, evaluation) = make_evaluations({"fp32": FLOAT, "int8": FLOAT}, LABELS)
    evaluation["executed"] |= {"layers": executed, "conversions": 7}
    evaluation["runtime"]["isa"] = isa
    assert reason_for_slowness(evaluation) == reason


def test_all_pairs_are_compared_as_the_best_is_picked_on_the_same_images():
    """p = 0.016 is a difference of two or three models, and none of four, which are six pairs."""
    models = {"fp32": FLOAT, "best": wrong((0, 100)), "fast": wrong((0, 107))}
    speedups = {"best": 1.0, "fast": 2.0, "b": 1.0, "c": 1.0}
    assert decide_among(models, {"best": 1.0, "fast": 2.0}).model == "best"
    models["b"] = wrong((0, 101))
    assert decide_among(models, {key: speedups[key] for key in list(models)[1:]}).model == "best"
    models["c"] = wrong((0, 100), (200, 201))
    assert decide_among(models, speedups).model == "fast"
