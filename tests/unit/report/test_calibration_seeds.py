"""Tables of draws of calibration images."""

from helpers.draws import draws_of, make_compared, make_draws, make_row
from ptq_comparison.report.calibration_seeds import draws_table, spread_table
from ptq_comparison.report.draw_lines import describe_draws

SATURATING = {"operators": ("Conv 'a'",), "checked": True}


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
