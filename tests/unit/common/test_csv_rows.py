"""Rows of tables in CSV files."""

from ptq_comparison.common.csv_rows import read_rows, write_rows


def test_rows_come_back_from_csv_as_they_were(tmp_path):
    rows = [
        {"node": "", "mode": "all", "images": 60, "kl_divergence": 0.1 + 0.2, "sqnr_db": None},
        {"node": "12", "mode": "a, b", "images": 60, "kl_divergence": 1e-20, "sqnr_db": 3.5},
    ]
    write_rows(tmp_path / "rows.csv", rows)
    assert read_rows(tmp_path / "rows.csv") == rows
