"""Which onnxruntime has an execution provider."""

import sys

import onnxruntime
import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.device.provider_search import find_provider

CPU = "CPUExecutionProvider"


def interpreter(path, *lines):
    """Write a program that stands for the Python of an environment: it answers with lines."""
    path.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
    path.chmod(0o755)
    return str(path)


def test_the_onnxruntime_of_the_run_comes_first(tmp_path):
    other = interpreter(tmp_path / "python", """echo '["1.0", ["CPUExecutionProvider"]]'""")
    found = find_provider("cpu", [other])
    assert found["python"] == sys.executable and found["provider"] == CPU
    assert found["onnxruntime"] == onnxruntime.__version__


def test_another_environment_is_asked(tmp_path):
    broken = interpreter(tmp_path / "broken", "echo no module >&2", "exit 1")
    other = interpreter(
        tmp_path / "python", "echo a warning", """echo '["1.2", ["XnnpackExecutionProvider"]]'"""
    )
    found = find_provider("XNNPACK", [broken, sys.executable, other])
    expected = {"provider": "XnnpackExecutionProvider", "onnxruntime": "1.2", "python": other}
    assert found == expected


def test_one_line_names_all_that_were_asked(tmp_path):
    broken = interpreter(tmp_path / "broken", "echo no module >&2", "exit 1")
    with pytest.raises(UserError) as error:
        find_provider("xnnpack", [broken, sys.executable])
    text = str(error.value)
    assert text.startswith("latency.providers: execution provider 'XnnpackExecutionProvider'")
    assert f"{broken} has no onnxruntime that works (no module)" in text
    assert f"that of {sys.executable} has " in text and text.count(CPU) == 2
    assert ".venv-xnnpack in the working folder" in text and "\n" not in text


def test_the_remedy_for_openvino_is_a_target():
    if "OpenVINOExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has OpenVINO")
    with pytest.raises(UserError, match=r"onnxruntime-openvino .* make openvino sets such"):
        find_provider("openvino", [])
