"""What every script does around its work."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from helpers import REPOSITORY
from ptq_comparison.common.job import Task
from snakemake.iocontainers import Namedlist

SCRIPT = """
import logging, os
from types import SimpleNamespace
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.job import job
snakemake = SimpleNamespace(
    log=["rule.log"], rule="quantize", input={{}}, output={{}}, params=None, wildcards=[],
    threads=1,
)
with job(snakemake) as task:
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


def run(tmp_path, statement):
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(statement=statement)],
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
