"""The verdict: which model, and what it costs, in one sentence."""

import numpy as np
from helpers import make_evaluations, make_speeds
from ptq_comparison.report.verdict import best_model, is_significant, verdict

LABELS = np.zeros(1000, np.int64)


def wrong(images):
    """Return predictions, the first `images` of which are wrong."""
    return (np.arange(1000) < images).astype(np.int64)


def test_the_sentence_has_accuracy_significance_size_and_speed():
    evaluations = make_evaluations({"fp32": wrong(100), "int8": wrong(103)}, LABELS)
    speeds = make_speeds(("fp32", "int8"))
    assert verdict(evaluations, speeds) == (
        "int8 keeps 99.7 % of the float32 accuracy (-0.30 pp, not significant) at 30 % of the "
        "size and 0.50 times the speed on this machine (1 thread, batch 1)."
    )
    speeds["int8"] |= {"threads": 4, "batch_size": 32, "speedup": 1.5}
    assert verdict(evaluations, speeds).endswith(
        "1.50 times the speed on this machine (4 threads, batch 32)."
    )


def test_a_loss_that_the_images_show_is_called_significant():
    evaluations = make_evaluations({"fp32": wrong(100), "int8": wrong(140)}, LABELS)
    assert is_significant(evaluations[1])
    assert "(-4.00 pp, significant) at 30 % of the size." in verdict(evaluations, {})


def test_the_best_model_is_right_most_often_and_of_equals_the_smaller():
    models = {"fp32": wrong(0), "a": wrong(5), "b": wrong(3), "c": wrong(3)}
    evaluations = make_evaluations(models, LABELS)
    evaluations[3]["model"]["bytes"] -= 1
    assert best_model(evaluations)["model"]["name"] == "c"
    evaluations[2]["model"]["bytes"] -= 2
    assert best_model(evaluations)["model"]["name"] == "b"


def test_a_model_that_gains_keeps_more_than_all():
    evaluations = make_evaluations({"fp32": wrong(100), "int8": wrong(91)}, LABELS)
    assert verdict(evaluations, {}).startswith(
        "int8 keeps 101.0 % of the float32 accuracy (+0.90 pp, significant)"
    )


def test_float32_that_is_never_right_keeps_nothing():
    evaluations = make_evaluations({"fp32": wrong(1000), "int8": wrong(997)}, LABELS)
    assert verdict(evaluations, {}).startswith(
        "int8 gets 3 images right, where float32 gets none (+0.30 pp, not significant) at "
    )
