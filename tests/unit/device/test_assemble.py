"""The script of the bundle, made from modules of the package."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from ptq_comparison.device import measure
from ptq_comparison.device.assemble import assemble
from ptq_comparison.evaluation import disturbance, peak_memory, timing
from ptq_comparison.inference import preprocessing, scores, session

ALLOWED = {"numpy", "onnxruntime"}


@pytest.fixture(scope="module")
def script():
    return assemble(Path(measure.__file__))


def test_it_holds_the_functions_that_the_workflow_uses(script):
    for function in (
        timing.measure_in_turn,
        timing.summarize,
        timing.speedup,
        session.make_session,
        session.predict_scores,
        scores.class_scores,
        preprocessing.Preprocessing,
        peak_memory.peak_memory,
        disturbance.load_average,
    ):
        assert inspect.getsource(function) in script


def test_it_imports_the_standard_library_numpy_and_onnxruntime_alone(script):
    imported = set()
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    # onnx stands behind TYPE_CHECKING.
    assert imported - ALLOWED <= set(sys.stdlib_module_names) | {"__future__", "onnx"}
    assert imported >= ALLOWED


def test_python_3_8_can_read_it(script, tmp_path):
    ast.parse(script, feature_version=(3, 8))
    # ruff also knows what annotations alone may hold, and finds names that are not defined.
    path = tmp_path / "measure.py"
    path.write_text(script)
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--target-version", "py38"]
    found = subprocess.run(
        [*command, "--select", "E9,F", str(path)], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout


def test_without_onnxruntime_it_says_what_to_type(script, tmp_path):
    path = tmp_path / "measure.py"
    path.write_text(script.replace("import onnxruntime\n", "import onnxruntime_absent\n"))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: No module named") and "pip install onnxruntime numpy" in line


def test_no_host_is_asked_at_the_import_of_onnxruntime(script):
    assert script.index("ORT_DISABLE_TELEMETRY") < script.index("import onnxruntime")


def test_comments_stay_and_each_name_is_defined_once(script):
    assert "# onnxruntime does not read OMP_NUM_THREADS" in script
    names = [
        n.name for n in ast.parse(script).body if isinstance(n, ast.FunctionDef | ast.ClassDef)
    ]
    assert len(names) == len(set(names))


def make_package(folder, **modules):
    for name, text in modules.items():
        path = folder / "room" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / "room/start.py"


def test_modules_stand_behind_those_that_they_import(tmp_path):
    start = make_package(
        tmp_path,
        start='"""Do it."""\nfrom ptq_comparison.room.other import (\n    two,\n)\nprint(two())\n',
        other='"""Other."""\nimport math\ndef two():\n    # a reason\n    return math.sqrt(4)\n',
    )
    text = assemble(start)
    path = tmp_path / "script.py"
    path.write_text(text)
    printed = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    assert printed.stdout == "2.0\n"
    assert "# a reason" in text and '"""Other."""' not in text


@pytest.mark.parametrize(
    ("start", "other", "message"),
    [
        ("from ptq_comparison.room.other import two\nX = 1\n", "X = 2\ntwo = 2\n", "both define X"),
        ("from ptq_comparison.room.other import two as too\n", "two = 2\n", "`as` cannot be kept"),
    ],
)
def test_what_one_script_cannot_hold_is_refused(tmp_path, start, other, message):
    with pytest.raises(ValueError, match=message):
        assemble(make_package(tmp_path, start=start, other=other))
