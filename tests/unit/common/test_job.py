"""What every script does around its work."""

import re
import signal
import subprocess
import sys
import time
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
from ptq_comparison.common.limits import Limits
snakemake = SimpleNamespace(
    log=["rule.log"], rule="quantize", input={inputs}, output={outputs},
    params=SimpleNamespace(one_of_many={one_of_many}, {params}), wildcards=[], threads=1,
)
with job(snakemake, reads_not_made={reads}, memory_key="a.key", {limits}) as task:
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


def make_script(
    statement,
    inputs=(),
    outputs=(),
    one_of_many=False,
    reads=False,
    limits="limits=None",
    params="",
):
    return SCRIPT.format(
        statement=statement,
        inputs={f"input{n}": name for n, name in enumerate(inputs)},
        outputs={f"output{n}": name for n, name in enumerate(outputs)},
        one_of_many=one_of_many,
        reads=reads,
        limits=limits,
        params=params,
    )


def run(tmp_path, statement, *arguments, **options):
    result = subprocess.run(
        [sys.executable, "-c", make_script(statement, *arguments, **options)],
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


def test_the_log_ends_with_the_memory_that_the_job_held(tmp_path):
    small, large = (
        int(re.search(r"INFO peak memory: (\d+) MB, CPU time: [\d.]+ s\n$", log)[1])
        for _, log in (run(tmp_path, "pass"), run(tmp_path, "held = b'1' * 300_000_000; del held"))
    )
    assert 300 <= large - small < 310


@pytest.mark.parametrize(("size", "key"), [("None", "memory_mb"), ("7", "a.key")])
def test_the_remedy_for_memory_is_what_the_batch_size_follows_from(tmp_path, size, key):
    result, _ = run(tmp_path, "raise MemoryError", params=f"batch_size={size}")
    assert f"memory ran out; lower {key}, or run fewer jobs" in result.stderr


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


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("SIGKILL", "unless somebody killed it, memory ran out: lower a.key, or run"),
        ("SIGBUS", "a file became shorter or the disk is full: make room, then run the same"),
        ("SIGSEGV", "native code crashed"),
        ("SIGABRT", "native code crashed"),
    ],
)
def test_a_death_by_a_signal_is_one_line(tmp_path, number, reason):
    """With what the process held; and its temporary files are gone."""
    statement = (
        "import signal, tempfile; from pathlib import Path\n"
        "    from ptq_comparison.common.files import atomic_path\n"
        "    held = b'1' * 300_000_000; tempfile.mkdtemp()\n"
        "    with atomic_path(Path('model.onnx')) as path:\n"
        f"        path.write_text('half'); os.kill(os.getpid(), signal.{number})"
    )
    result, log = run(tmp_path, statement)
    line = rf"error: quantize: died of {number}, and held (\d+) MB at most; {reason}"
    assert result.returncode == 1
    assert result.stderr.splitlines()[0] == "progress"
    said = re.match(line, result.stderr.splitlines()[1])
    assert 300 < int(said[1]) < 400 and result.stderr.count("\n") == 2
    assert log.splitlines()[-1] == result.stderr.splitlines()[1]
    assert [path.name for path in tmp_path.iterdir()] == ["rule.log"]


@pytest.mark.parametrize(("number", "made"), [("SIGSEGV", True), ("SIGKILL", False)])
def test_one_of_many_whose_native_code_crashes_is_marked(tmp_path, number, made):
    """Another recipe may do well; but where memory ran out, none does."""
    statement = f"import signal; os.kill(os.getpid(), signal.{number})"
    result, _ = run(tmp_path, statement, outputs=OUTPUTS, one_of_many=True)
    assert result.returncode == (0 if made else 1)
    assert (tmp_path / "a.onnx").exists() == made
    if made:
        assert f"died of {number}" in read_not_made(tmp_path / "a.onnx")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_first_process_ends_both(tmp_path, number):
    """Snakemake and clusters know the first one alone."""
    with start(tmp_path) as process:
        child = int(process.stderr.readline())
        process.send_signal(number)
        assert process.wait(10) == 130
    assert not Path(f"/proc/{child}").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["rule.log"]


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is of Linux")
def test_a_job_ends_with_its_first_process_and_the_next_removes_what_is_left(tmp_path):
    with start(tmp_path) as process:
        child = int(process.stderr.readline())
        process.kill()
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()
    assert len(list(tmp_path.glob(".tmp-*"))) == 2  # TMPDIR, and the half-written file
    result, _ = run(tmp_path, "pass")
    assert result.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["rule.log"]


def start(folder):
    """Start a job that writes a file for ever, and tells the number of its process."""
    statement = (
        "import time; from pathlib import Path\n"
        "    from ptq_comparison.common.files import atomic_path\n"
        "    with atomic_path(Path('model.onnx')) as path:\n"
        "        path.write_text('half'); task.print(str(os.getpid())); time.sleep(60)"
    )
    script = make_script(statement).replace('task.print("progress")', "")
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env={"PYTHONPATH": str(REPOSITORY / "workflow" / "scripts")},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "error",
    [
        "OSError(28, 'No space left on device', 'a.npy')",
        "OSError('75000 requested and 1000 written')",
        "RuntimeError('write failed: No space left on device')",
    ],
)
def test_a_full_disk_is_one_line(tmp_path, error):
    """Also for one of many recipes, and behind a line of ours."""
    for statement in (f"raise {error}", f"raise UserError('a: unreadable; mend it') from {error}"):
        result, _ = run(tmp_path, statement, outputs=OUTPUTS, one_of_many=True)
        assert result.returncode == 1
        assert result.stderr.splitlines()[-1] == (
            "error: quantize: results: no space left (disk full); make room, then run the same "
            "command (log: rule.log)"
        )


def test_a_limit_is_one_line(tmp_path):
    """Of memory and of time, in a process of its own."""
    limits = (
        "limits=Limits(address_space=2 * 10**9, cpu_seconds=1, subject='a.key', remedy='raise it')"
    )
    for statement, reason in (
        ("held = b'1' * 3 * 10**9", "needs more than 2.0 GB"),
        ("os.abort()  # as std::bad_alloc ends", "needs more than 2.0 GB"),
        ("while True: pass", "is not done after 1 CPU seconds"),
    ):
        result, _ = run(tmp_path, statement, limits=limits)
        assert result.returncode == 1
        line = f"error: quantize: a.key: {reason}; raise it (log: rule.log)"
        assert result.stderr.splitlines()[-1] == line


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
        rule="compare",
        input=files,
        output=Namedlist(),
        params=None,
        wildcards=Namedlist(),
        threads=2,
    )
    task = Task(rule, sys.stderr)
    assert task.input.model == Path("results/a.onnx")
    assert task.input.evaluations == [Path("b.json"), Path("c.json")]
    assert task.input.latency == [] and task.threads == 2
