"""Rows of tables in CSV files."""

import csv

import pytest
from ptq_comparison.common.csv_rows import (
    quote_formula,
    read_rows,
    unquote_formula,
    write_rows,
)


def test_rows_come_back_from_csv_as_they_were(tmp_path):
    rows = [
        {"node": "", "mode": "all", "images": 60, "kl_divergence": 0.1 + 0.2, "sqnr_db": None},
        {"node": "12", "mode": "a, b", "images": 60, "kl_divergence": 1e-20, "sqnr_db": 3.5},
    ]
    write_rows(tmp_path / "rows.csv", rows)
    assert read_rows(tmp_path / "rows.csv") == rows


@pytest.mark.parametrize(
    "text", ["=1+1", "+conv", "-conv", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "''=1"]
)
def test_a_text_is_no_formula_and_comes_back(text, tmp_path):
    path = tmp_path / "rows.csv"
    rows = [{"node": text, "reason": text, "delta_pp": -0.5}]
    write_rows(path, rows)
    assert read_rows(path) == rows
    with path.open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"node": f"'{text}", "reason": f"'{text}", "delta_pp": "-0.5"}
        ]


@pytest.mark.parametrize("value", ["", "'", "'conv", "a=1", "conv", -0.5, 1, None])
def test_other_values_stay(value):
    assert quote_formula(value) == unquote_formula(value) == value
