"""A bundle run by another Python; here by that of this machine."""

import json
import sys
import zipfile

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.device.emulated_run import changed_text, run_bundle
from ptq_comparison.device.emulation import Emulator

EMULATOR = Emulator([sys.executable], {"MARK": "own"}, "a CPU of 1985")
ROWS = [
    {"name": "fp32", "failed": None, "predictions": [1, 2, 3, 4], "expected_agreement": 1.0},
    {"name": "int8", "failed": None, "predictions": [1, 2, 3, 4], "expected_agreement": 0.75},
    {"name": "new", "failed": "its opset is too new", "predictions": None},
]
WRITES = """
import json, os, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert sys.argv[1:] == [
    "--name", "old", "--threads", "1", "--no-times", "--emulated", "a CPU of 1985"]
assert os.environ["MARK"] == "own" and "HOME" not in os.environ
content = {"name": "old", "finished": True, "emulated": sys.argv[-1],
           "dataset": {"images": 4}, "models": ROWS}
json.dump(content, open("device_old.json", "w"))
"""


def run(folder, script):
    bundle, scratch = folder / "bundle.zip", folder / "scratch"
    scratch.mkdir()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("device_bundle/measure.py", script)
    return run_bundle(bundle, "old", EMULATOR, scratch)


def test_measure_writes_predictions_without_times(tmp_path):
    path = run(tmp_path, WRITES.replace("ROWS", repr(ROWS)))
    record = json.loads(path.read_text())
    assert record["models"] == ROWS
    assert changed_text(record) == (
        "old (a CPU of 1985): of 4 predictions differ from those here: fp32 0, int8 1, "
        "new does not run"
    )


def test_a_failure_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"^old: measure.py ended with exit code 3 under a CPU"):
        run(tmp_path, "raise SystemExit(3)")


def test_an_emulator_that_crashes_is_told_by_its_signal(tmp_path):
    with pytest.raises(UserError, match=r"^old: measure.py died of signal 11 under a CPU of 1985"):
        run(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")


def test_a_script_that_writes_nothing_has_failed(tmp_path):
    with pytest.raises(UserError, match="exit code 0"):
        run(tmp_path, "")


def test_models_that_all_fail_are_an_error(tmp_path):
    with pytest.raises(UserError, match=r"no model .* runs; the first one: its opset is too new"):
        run(tmp_path, WRITES.replace("ROWS", repr(ROWS[2:])))
