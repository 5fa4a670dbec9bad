"""The file of a measurement."""

import json

import pytest
from ptq_comparison.device.record import new_row, read_unfinished, record_table, write_record

MODEL = {
    "name": "int8",
    "path": "models/int8.onnx",
    "sha256": "0" * 64,
    "bytes": 9,
    "format": "onnx",
}
MACHINE = {"cpu": "c", "isa": [], "cores": 1}


def make_record(**changes):
    row = {**new_row(MODEL), "predictions": [1, 0, 1, 1], "accuracy": 0.75, "agreement": 1.0}
    row["expected_agreement"] = 0.75
    return {
        "format": "f",
        "version": 1,
        "emulated": None,
        "finished": False,
        "dataset": {"images": 4},
        "settings": {"threads": 1},
        "runtime": {"onnxruntime": "1.32.0"},
        "machine": dict(MACHINE),
        "models": [row],
        **changes,
    }


def test_rows_of_a_stopped_measurement_are_found_again(tmp_path):
    path = tmp_path / "device_a.json"
    record = make_record()
    write_record(path, record)
    assert read_unfinished(path, make_record(models=[])) == {"int8": record["models"][0]}
    assert list(tmp_path.iterdir()) == [path]
    assert json.loads(path.read_text())["written"].endswith("Z")


@pytest.mark.parametrize(
    "changes",
    [
        {"finished": True},
        {"version": 2},
        {"dataset": {"images": 5}},
        {"settings": {"threads": 2}},
        {"runtime": {"onnxruntime": "1.20.1"}},
        {"emulated": "qemu"},
        {"machine": {**MACHINE, "isa": ["avx"]}},
    ],
)
def test_rows_of_another_measurement_are_not(tmp_path, changes):
    path = tmp_path / "device_a.json"
    write_record(path, make_record(**changes))
    assert read_unfinished(path, make_record()) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"finished": false}'])
def test_another_file_of_this_name_is_no_measurement(tmp_path, text):
    path = tmp_path / "device_a.json"
    path.write_text(text)
    assert read_unfinished(path, make_record()) == {}


def test_the_table_has_a_line_a_model_and_the_reason_of_a_failure():
    record = make_record()
    record["models"].append(new_row({**MODEL, "name": "uint8"}, "too new"))
    lines = record_table(record).splitlines()
    assert lines[0].split()[:4] == ["model", "accuracy", "agrees", "changed"]
    assert lines[1].split() == ["int8", "75.00%", "100.00%", "1"]
    assert lines[2].split() == ["uint8", "failed"] and lines[3] == "uint8: too new"


def test_a_number_that_is_none_is_never_written(tmp_path):
    path = tmp_path / "device_a.json"
    with pytest.raises(ValueError):
        write_record(path, make_record(machine={"cores": float("nan")}))
    assert list(tmp_path.iterdir()) == []
