"""Parts of the verdict: what a model keeps."""

import numpy as np
from helpers import make_evaluations, make_speeds
from ptq_comparison.report.verdict import (
    describe_accuracy,
    describe_setting,
    is_significant,
)

LABELS = np.zeros(1000, np.int64)


def wrong(images):
    """Return predictions, the first `images` of which are wrong."""
    return (np.arange(1000) < images).astype(np.int64)


def describe(fp32, int8):
    return describe_accuracy(*make_evaluations({"fp32": fp32, "int8": int8}, LABELS))


def test_the_sentence_has_accuracy_significance_and_size():
    assert describe(wrong(100), wrong(103)) == (
        "keeps 99.7 % of the float32 accuracy (-0.30 pp, not significant) at 30 % of the size"
    )


def test_the_setting_is_that_of_the_measurement():
    speed = make_speeds(("fp32", "int8"))["int8"]
    assert describe_setting(speed) == "1 thread, batch 1"
    assert describe_setting(speed | {"threads": 4, "batch_size": 32}) == "4 threads, batch 32"


def test_a_loss_that_the_images_show_is_called_significant():
    assert is_significant(make_evaluations({"a": wrong(100), "b": wrong(140)}, LABELS)[1])
    assert "(-4.00 pp, significant)" in describe(wrong(100), wrong(140))


def test_a_model_that_gains_keeps_more_than_all():
    assert "101.0 % of the float32 accuracy (+0.90 pp, significant)" in describe(
        wrong(100), wrong(91)
    )


def test_float32_that_is_never_right_keeps_nothing():
    assert describe(wrong(1000), wrong(997)).startswith(
        "gets 3 images right, where float32 gets none (+0.30 pp, not significant) at "
    )
