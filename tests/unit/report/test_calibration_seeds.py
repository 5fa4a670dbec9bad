"""Tables and sentences about draws of calibration images."""

import pytest
from helpers.draws import draws_of, make_compared, make_draws, make_row
from ptq_comparison.report.calibration_seeds import (
    describe_draws,
    describe_equals,
    draws_table,
    spread_table,
)
from ptq_comparison.stability.spread import rows_by_model

SATURATING = {"operators": ("Conv 'a'",), "checked": True}


def swept(recommended, equal):
    """Return draws of the recommended recipe and an equal, from their agreements by draw."""
    rows = {
        "recommended": [make_row("recommended", 0.0, a, recipe="gptq") for a in recommended],
        "sweep/plain": [make_row("sweep/plain", 0.0, a, recipe="plain") for a in equal],
    }
    return make_draws(rows)


def test_the_table_has_a_row_for_each_model_and_draw():
    table = draws_table(draws_of(int8=[-1.0, -2.0], uint8=[0.5, 0.0]))
    assert list(table.columns[:7]) == [
        "model", "seed", "correct", "total", "top1", "delta_pp", "agreement",
    ]  # fmt: skip
    assert table[["model", "seed", "correct"]].to_numpy().tolist() == [
        ["int8", 42, 790], ["int8", 43, 780], ["uint8", 42, 805], ["uint8", 43, 800],
    ]  # fmt: skip
    assert table["exact_correct"].tolist() == table["correct"].tolist()


def test_a_model_without_exact_kernels_has_empty_cells():
    rows = [{**make_row("int8", d, **SATURATING), "exact": None} for d in (-1.0, -2.0)]
    draws = make_draws({"int8": rows})
    assert draws_table(draws)["exact_correct"].isna().all()
    assert spread_table(draws)["difference without saturation (pp)"].tolist() == [""]


def test_mean_deviation_and_range_are_told():
    (row,) = spread_table(draws_of(int8=[-1.0, -2.0, -3.0])).to_dict("records")
    assert row["difference (pp)"] == "-2.00 (1.00)"
    assert row["difference (pp), range"] == "-3.00 to -1.00"
    assert row["agreement (%)"] == "98.00 (0.00)" and row["this run"] == "-1.00"
    assert "difference without saturation (pp)" not in row


def test_saturation_has_columns_of_its_own_where_it_matters():
    exact = [make_compared(d, 0.99) for d in (-0.5, -0.7)]
    rows = [make_row("int8", -1.0, exact=e, **SATURATING) for e in exact]
    draws = make_draws({"int8": rows, "uint8": [make_row("uint8", -0.5)] * 2})
    int8, uint8 = spread_table(draws).to_dict("records")
    assert int8["difference without saturation (pp)"] == "-0.60 (0.14)"
    assert uint8["difference without saturation (pp)"] == uint8["difference (pp)"]
    (sentence,) = [note for note in describe_draws(draws) if "saturate" in note]
    assert sentence.startswith("Kernels of this CPU saturate, which can change int8. ")


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
