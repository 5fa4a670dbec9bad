"""The table that ends a run on a terminal."""

import csv
import io
import subprocess
import sys

import pytest
from helpers import REPOSITORY
from ptq_comparison.report.terminal_table import WIDTH, terminal_table

ROW = {
    "top1": 0.9249,
    "delta_pp": -0.12,
    "delta_ci95_low_pp": -0.308,
    "delta_ci95_high_pp": 0.063,
    "agreement": 0.9889,
    "size_ratio": 0.324,
    "speedup": 0.76,
    "speedup_ci95_low": 0.71,
    "speedup_ci95_high": 0.8,
}
FLOAT = dict.fromkeys(ROW) | {"top1": 0.9261, "size_ratio": 1.0}
FLOAT |= dict.fromkeys(("speedup", "speedup_ci95_low", "speedup_ci95_high"), 1.0)
ROWS = [{"model": "fp32", **FLOAT}, {"model": "int8", **ROW}]
DISTURBED = {"speedup_ci95_low": 0.6, "speedup_ci95_high": 0.95}


def test_numbers_stand_below_each_other():
    assert terminal_table(ROWS).splitlines() == [
        "                           difference                   speed",
        "model   top-1         (95 % interval)  agreement  size  (95 % interval)",
        "fp32   92.61%                                     100%  1.00",
        "int8   92.49%  -0.12 (-0.31 to +0.06)     98.89%   32%  0.76 (0.71 to 0.80)",
    ]


def test_rows_of_the_csv_file_give_the_same_table():
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(ROWS[0]))
    writer.writeheader()
    writer.writerows(ROWS)
    buffer.seek(0)
    assert terminal_table(list(csv.DictReader(buffer))) == terminal_table(ROWS)


def test_a_disturbed_speed_has_a_mark_that_is_explained():
    table = terminal_table([ROWS[0], {**ROWS[1], **DISTURBED}])
    assert "0.76 (0.60 to 0.95) *\n* disturbed: " in table
    assert "*" not in terminal_table(ROWS)


@pytest.mark.parametrize("name", ["int8", "recommended", "per_channel_int8", "x" * 200])
@pytest.mark.parametrize("other", [{}, DISTURBED, {"delta_ci95_low_pp": -100.0, "top1": 1.0}])
def test_no_line_is_wider_than_the_terminal(name, other):
    table = terminal_table([ROWS[0], {"model": name, **ROW, **other}])
    lines = table.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert "difference" in table and "speed" in table and "top-1" in table
    assert any(line.startswith(name[: min(len(name), 3)]) for line in lines)
    if len(name) <= 12:
        assert name in table  # whole


def test_without_speed_there_is_no_such_column():
    rows = [{key: value for key, value in row.items() if "speed" not in key} for row in ROWS]
    assert "speed" not in terminal_table(rows)


def test_the_end_of_a_run_loads_no_pandas():
    code = (
        "import ptq_comparison.report.terminal_table, sys; assert not "
        "{'pandas', 'numpy', 'onnx', 'onnxruntime'} & set(sys.modules), 'loaded'"
    )
    folder = REPOSITORY / "workflow/scripts"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
