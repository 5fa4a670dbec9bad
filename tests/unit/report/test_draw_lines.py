"""Sentences about draws of calibration images."""

import pytest
from helpers.draws import draws_of, make_draws, make_row
from ptq_comparison.report.draw_lines import describe_draws, describe_equals
from ptq_comparison.stability.spread import rows_by_model

SATURATING = {"operators": ("Conv 'a'",), "checked": True}


def swept(recommended, equal):
    """Return draws of the recommended recipe and an equal, from their agreements by draw."""
    rows = {
        "recommended": [make_row("recommended", 0.0, a, recipe="gptq") for a in recommended],
        "sweep/plain": [make_row("sweep/plain", 0.0, a, recipe="plain") for a in equal],
    }
    return make_draws(rows)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (SATURATING, "Kernels of this CPU saturate, which changes no result of int8."),
        ({"operators": ("Conv 'a'",)}, "cannot emulate here those of x86-64 without VNNI"),
        ({}, None),
    ],
)
def test_what_the_kernels_do_is_told(options, text):
    draws = make_draws({"int8": [make_row("int8", -1.0, **options)] * 2})
    notes = [note for note in describe_draws(draws) if "saturate" in note]
    assert len(notes) == (text is not None)
    assert all(text in note for note in notes)


def test_the_lead_has_both_errors():
    lead = describe_draws(draws_of(int8=[-1.0, -2.0, -3.0], uint8=[-1.0, -1.0, -1.0]))[0]
    assert lead.startswith(
        "Another draw of calibration images moves int8 by 1.00 pp, uint8 by 0.00 pp (standard "
        "deviation of 3 draws); 1,000 test images have a standard error of "
    )


@pytest.mark.parametrize(
    ("images", "pool", "text"),
    [
        (100, 5000, "each draw 100 of 5,000 training images; the first seed is that of this run."),
        (3000, 5000, "Two draws share most of their images"),
    ],
)
def test_a_small_pool_is_told(images, pool, text):
    draws = make_draws({"int8": [make_row("int8", -1.0)] * 2}, images=images, pool=pool)
    assert text in describe_draws(draws)[1]


def test_draws_that_are_the_same_are_told():
    draws = [{**draw, "samples_sha256": "0"} for draw in draws_of(int8=[-1.0, -1.0])]
    assert "Only 1 of the draws differ" in describe_draws(draws)[1]


def test_the_steadier_of_equals_is_named():
    steady = [0.98, 0.981] * 10
    wild = [0.98, 0.99, 0.97, 0.99] * 5
    (text,) = describe_equals(rows_by_model(swept(wild, steady)))
    assert "plain is the steadiest: its agreement has a standard deviation of 0.05 pp" in text
    assert "that of the recommended gptq 0.85 pp. The draws tell the two apart" in text
    assert "results/sweep/models/plain.onnx" in text
    (text,) = describe_equals(rows_by_model(swept(steady, wild)))
    assert "the recommended one is the steadiest" in text and "it from 1 of 1 others" in text


def test_of_equally_steady_ones_the_recommended_is_named():
    values = [0.98, 0.981] * 10
    (text,) = describe_equals(rows_by_model(swept(values, [v - 0.1 for v in values])))
    assert "the recommended one is the steadiest" in text and "it from 0 of 1 others" in text


def test_spreads_that_few_draws_cannot_tell_apart_are_not_claimed_to_differ():
    (text,) = describe_equals(rows_by_model(swept([0.98, 0.984, 0.979], [0.98, 0.983, 0.98])))
    assert "The draws cannot tell the two apart" in text


def test_without_equals_nothing_is_said_of_them():
    assert describe_equals(rows_by_model(draws_of(int8=[-1.0, -2.0]))) == []
