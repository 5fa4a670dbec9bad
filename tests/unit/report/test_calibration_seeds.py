"""Tables of draws of calibration images."""

from helpers.draws import draws_of, make_compared, make_draws, make_row
from ptq_comparison.report.calibration_seeds import draws_table, spread_tables
from ptq_comparison.report.draw_lines import describe_draws

MEASURED = "Difference to float32 (pp)"
EXACT = "Difference to float32 without saturation (pp)"
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
    assert spread_tables(draws)[EXACT]["mean (deviation)"].tolist() == [""]


def test_mean_deviation_and_range_are_told():
    differences, agreements = spread_tables(draws_of(int8=[-1.0, -2.0, -3.0])).values()
    (row,) = differences.to_dict("records")
    del row["test images"]
    assert list(row.values()) == ["int8", "-2.00 (1.00)", "-3.00 to -1.00", "-1.00"]
    assert agreements["mean (deviation)"].tolist() == ["98.00 (0.00)"]


def test_saturation_has_columns_of_its_own_where_it_matters():
    exact = [make_compared(d, 0.99) for d in (-0.5, -0.7)]
    rows = [make_row("int8", -1.0, exact=e, **SATURATING) for e in exact]
    draws = make_draws({"int8": rows, "uint8": [make_row("uint8", -0.5)] * 2})
    tables = spread_tables(draws)
    measured, exact = (tables[name]["mean (deviation)"].tolist() for name in (MEASURED, EXACT))
    assert exact == ["-0.60 (0.14)", "-0.50 (0.00)"] and measured == ["-1.00 (0.00)", exact[1]]
    (sentence,) = [note for note in describe_draws(draws) if "saturate" in note]
    assert sentence.startswith("Kernels of this CPU saturate, which can change int8. ")
