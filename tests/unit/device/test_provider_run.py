"""A bundle that is measured with a provider, and what becomes of one that fails."""

import json
import sys
import zipfile

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.device.provider_run import describe_run, measure_provider

FOUND = {"provider": "AProvider", "onnxruntime": "1.0", "python": sys.executable}
ROW = {
    "name": "int8",
    "failed": None,
    "agreement": 0.98,
    "latency": {"speedup": 2.114},
    "executed_by": {"AProvider": 29, "CPUExecutionProvider": 2},
}
DEVICE = {"name": "a", "settings": {"provider": "AProvider"}, "models": [ROW]}


def bundle(folder, program):
    with zipfile.ZipFile(folder / "bundle.zip", "w") as archive:
        archive.writestr("device_bundle/measure.py", program)
    return folder / "bundle.zip"


def writing(device):
    return f"""
import json, sys
print(sys.argv[1:])
with open("device_" + sys.argv[sys.argv.index("--name") + 1] + ".json", "w") as file:
    json.dump(json.loads({json.dumps(device)!r}), file)
"""


def test_the_script_of_the_bundle_is_run_with_the_provider(tmp_path, capfd):
    assert measure_provider(bundle(tmp_path, writing(DEVICE)), FOUND, "a") == DEVICE
    assert "['--provider', 'AProvider', '--name', 'a']" in capfd.readouterr().out
    measure_provider(bundle(tmp_path, writing(DEVICE)), FOUND, "a", timed=False)
    assert "'a', '--no-times']" in capfd.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]


def test_a_script_that_fails_is_an_error_with_its_reason(tmp_path):
    program = "print('predicting'); import sys; sys.exit('error: no such model')"
    with pytest.raises(UserError, match=r"AProvider: .* code 1 \(error: no such model\)"):
        measure_provider(bundle(tmp_path, program), FOUND, "a")


def test_a_provider_that_runs_no_model_is_an_error(tmp_path):
    failed = {**ROW, "failed": "AProvider ran no node"}
    device = {**DEVICE, "models": [failed, failed]}
    with pytest.raises(UserError, match=r"no model runs \(AProvider ran no node\)"):
        measure_provider(bundle(tmp_path, writing(device)), FOUND, "a")
    device["models"][0] = ROW
    assert measure_provider(bundle(tmp_path, writing(device)), FOUND, "a") == device


def test_a_line_tells_speed_and_nodes_that_fell_back():
    assert describe_run(DEVICE) == (
        "a: int8: 98.00% as float32, 2.11 times as fast; 2 of 31 nodes ran on CPUExecutionProvider"
    )
    plain = {**ROW, "executed_by": {"AProvider": 1}, "latency": None}
    assert describe_run({**DEVICE, "models": [plain]}) == "a: int8: 98.00% as float32"
    failed = {**ROW, "failed": "does not load"}
    assert describe_run({**DEVICE, "models": [failed]}) == "a: int8: does not load"
