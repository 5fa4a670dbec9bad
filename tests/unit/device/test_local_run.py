"""The script of a bundle run on this machine, and what becomes of one that fails."""

import json
import os
import sys
import zipfile

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.device.local_run import changed_text, describe_run, run_bundle

ROW = {
    "name": "int8",
    "failed": None,
    "agreement": 0.98,
    "latency": {"speedup": 2.114},
    "executed_by": {"AProvider": 29, "CPUExecutionProvider": 2},
}
DEVICE = {"name": "a", "settings": {"provider": "AProvider"}, "models": [ROW]}
EMULATED = [
    {"name": "fp32", "failed": None, "predictions": [1, 2, 3, 4], "expected_agreement": 1.0},
    {"name": "int8", "failed": None, "predictions": [1, 2, 3, 4], "expected_agreement": 0.75},
    {"name": "new", "failed": "its opset is too new", "predictions": None},
]


def run(folder, program, environment=None):
    with zipfile.ZipFile(folder / "bundle.zip", "w") as archive:
        archive.writestr("device_bundle/measure.py", program)
    options = ["--provider", "AProvider"]
    python = [sys.executable]
    return run_bundle(folder / "bundle.zip", python, "a", options, "a CPU of 1985", environment)


def writing(device):
    return f"""
import json, os, sys
print(sys.argv[1:], os.environ.get("MARK"), "HOME" in os.environ)
with open("device_a.json", "w") as file:
    json.dump(json.loads({json.dumps(device)!r}), file)
"""


def test_the_script_gets_name_and_options(tmp_path, capfd):
    assert run(tmp_path, writing(DEVICE)) == DEVICE
    assert "['--name', 'a', '--provider', 'AProvider'] None True" in capfd.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]


def test_it_may_have_an_environment_of_its_own(tmp_path, capfd):
    assert "HOME" in os.environ
    run(tmp_path, writing(DEVICE), {"MARK": "own"})
    assert "own False" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            "print('predicting'); import sys; sys.exit('error: no such model')",
            r"^a CPU of 1985: measure.py ended with exit code 1 \(error: no such model\)",
        ),
        ("raise SystemExit(3)", "ended with exit code 3 \\(it printed nothing\\)"),
        ("import os; os.kill(os.getpid(), 11)", "measure.py died of signal 11"),
        ("", "ended with exit code 0"),
    ],
    ids=["reason", "silent", "signal", "nothing written"],
)
def test_a_script_that_fails_is_one_line_with_its_reason(tmp_path, program, message):
    with pytest.raises(UserError, match=message):
        run(tmp_path, program)


def test_a_device_that_runs_no_model_is_an_error(tmp_path):
    failed = {**ROW, "failed": "AProvider ran no node"}
    device = {**DEVICE, "models": [failed, failed]}
    with pytest.raises(UserError, match=r"no model .* runs; the first one: AProvider ran no node"):
        run(tmp_path, writing(device))
    device["models"][0] = ROW
    assert run(tmp_path, writing(device)) == device


def test_a_line_tells_predictions_that_differ():
    device = {"name": "old", "emulated": "a CPU of 1985", "models": EMULATED}
    assert changed_text({**device, "dataset": {"images": 4}}) == (
        "old (a CPU of 1985): of 4 predictions differ from those here: fp32 0, int8 1, "
        "new does not run"
    )


def test_a_line_tells_speed_and_nodes_that_fell_back():
    assert describe_run(DEVICE) == (
        "a: int8: 98.00% as float32, 2.11 times as fast; 2 of 31 nodes ran on CPUExecutionProvider"
    )
    plain = {**ROW, "executed_by": {"AProvider": 1}, "latency": None}
    assert describe_run({**DEVICE, "models": [plain]}) == "a: int8: 98.00% as float32"
    failed = {**ROW, "failed": "does not load"}
    assert describe_run({**DEVICE, "models": [failed]}) == "a: int8: does not load"
