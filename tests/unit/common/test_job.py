"""What every script does around its work."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import REPOSITORY
from ptq_comparison.common.job import Task
from ptq_comparison.common.not_made import read_not_made, write_not_made
from snakemake.iocontainers import Namedlist

SCRIPT = """
import logging, os
from types import SimpleNamespace
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.job import job
snakemake = SimpleNamespace(
    log=["rule.log"], rule="quantize", input={inputs}, output={outputs},
    params=SimpleNamespace(one_of_many={one_of_many}), wildcards=[], threads=1,
)
with job(snakemake, reads_not_made={reads}) as task:
    print("standard output")
    os.write(2, b"from C++\\n")
    logging.info("information")
    task.print("progress")
    {statement}
"""


def test_a_cancelled_job_leaves_no_temporary_file(tmp_path):
    """SIGTERM, as a cluster sends it."""
    statement = (
        "import signal; from pathlib import Path\n"
        "    from ptq_comparison.common.files import atomic_path\n"
        "    with atomic_path(Path('model.onnx')) as path:\n"
        "        path.write_text('half'); os.kill(os.getpid(), signal.SIGTERM)"
    )
    result, log = run(tmp_path, statement)
    assert result.returncode != 0
    assert "KeyboardInterrupt" in log
    assert [path.name for path in tmp_path.iterdir()] == ["rule.log"]


def run(tmp_path, statement, inputs=(), outputs=(), one_of_many=False, reads=False):
    script = SCRIPT.format(
        statement=statement,
        inputs={f"input{n}": name for n, name in enumerate(inputs)},
        outputs={f"output{n}": name for n, name in enumerate(outputs)},
        one_of_many=one_of_many,
        reads=reads,
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY / "workflow" / "scripts")},
        capture_output=True,
        text=True,
    )
    return result, (tmp_path / "rule.log").read_text()


def test_all_output_goes_to_the_log_and_progress_to_the_terminal(tmp_path):
    result, log = run(tmp_path, "pass")
    assert result.returncode == 0 and result.stdout == "" and result.stderr == "progress\n"
    for line in ("standard output", "from C++", "INFO information"):
        assert line in log


def test_a_mistake_of_the_user_is_one_line(tmp_path):
    result, log = run(tmp_path, 'raise UserError("a.onnx: broken; export it again")')
    line = "error: quantize: a.onnx: broken; export it again (log: rule.log)"
    assert result.returncode == 1
    assert result.stderr.splitlines() == ["progress", line]
    assert "Traceback" in log and log.splitlines()[-1] == line


def test_an_unexpected_error_says_so(tmp_path):
    result, log = run(tmp_path, 'raise KeyError("a\\\\nb")')
    assert result.returncode == 1
    assert "error: quantize: unexpected KeyError: " in result.stderr.splitlines()[-1]
    assert "Traceback" in log


OUTPUTS = ("a.onnx", ["b.json", "c.csv"])  # a name may stand for several files
PATHS = ("a.onnx", "b.json", "c.csv")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ('raise UserError("node a: broken; exclude it")', "node a: broken; exclude it"),
        ('raise KeyError("a")', "unexpected KeyError: 'a'; see rule.log"),
    ],
)
def test_one_of_many_that_cannot_be_made_leaves_markers(tmp_path, statement, reason):
    """In place of all outputs, also of one that was written before."""
    written = "from pathlib import Path; Path('a.onnx').write_bytes(b'half')\n    "
    result, log = run(tmp_path, written + statement, outputs=OUTPUTS, one_of_many=True)
    assert result.returncode == 0
    assert {read_not_made(tmp_path / name) for name in PATHS} == {reason}
    line = f"not made: quantize: {reason.removesuffix('; see rule.log')} (log: rule.log)"
    assert result.stderr.splitlines() == ["progress", line]
    assert "Traceback" in log and log.splitlines()[-1] == line


@pytest.mark.parametrize("error", ["OSError('full')", "MemoryError()", "ImportError('onnx')"])
def test_a_fault_of_the_machine_ends_one_of_many(tmp_path, error):
    result, _ = run(tmp_path, f"raise {error}", outputs=OUTPUTS, one_of_many=True)
    assert result.returncode == 1 and not (tmp_path / "a.onnx").exists()


def test_a_marker_is_passed_on_without_running_the_block(tmp_path):
    write_not_made(tmp_path / "ranges.json", "no ranges")
    (tmp_path / "model.onnx").write_bytes(b"model")
    inputs = (["model.onnx", "ranges.json"],)
    result, log = run(tmp_path, "pass", inputs, OUTPUTS, one_of_many=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert {read_not_made(tmp_path / name) for name in PATHS} == {"no ranges"}
    assert "ranges.json could not be made: no ranges" in log and "standard output" not in log


def test_a_marker_is_an_error_of_any_other_rule(tmp_path):
    write_not_made(tmp_path / "ranges.json", "no ranges")
    result, log = run(tmp_path, "pass", ("ranges.json",), OUTPUTS)
    assert result.returncode == 1
    assert result.stderr == "error: quantize: no ranges (log: rule.log)\n"
    assert not (tmp_path / "a.onnx").exists() and "standard output" not in log


def test_a_script_may_read_markers_itself(tmp_path):
    write_not_made(tmp_path / "ranges.json", "no ranges")
    result, log = run(tmp_path, "pass", ("ranges.json",), reads=True)
    assert result.returncode == 0 and "standard output" in log


def test_a_script_gets_paths_by_name():
    files = Namedlist(fromdict={"model": "results/a.onnx"})
    files.extend(["b.json", "c.json"])
    files._set_name("evaluations", 1, end=3)
    files._set_name("latency", 3, end=3)  # an input that names no file
    rule = SimpleNamespace(
        input=files, output=Namedlist(), params=None, wildcards=Namedlist(), threads=2
    )
    task = Task(rule, sys.stderr)
    assert task.input.model == Path("results/a.onnx")
    assert task.input.evaluations == [Path("b.json"), Path("c.json")]
    assert task.input.latency == [] and task.threads == 2
