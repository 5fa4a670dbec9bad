"""The lines that close a run, from Snakemake's log of it."""

import os

import pytest
from ptq_comparison.common.closing import INTERRUPTED, closing_texts, error_lines

DIED = """\
RuleException:
CalledProcessError in file "/workflow/rules/evaluate.smk", line 32:
Command 'set -euo pipefail; python tmp1.predict.py' died with <Signals.SIGKILL: 9>.
"""
FAILED = """\
[Sat Nov 28 02:17:05 2026]
Error in rule {rule}:
    message: None
    jobid: 7
    input: results/models/uint8.onnx
    output: results/predictions/uint8.npz
    log: {log} (check log file(s) for error details)
"""


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "predict.log").write_text("INFO 1 of 10\n")


def test_a_job_closes_with_its_own_line(tmp_path):
    (tmp_path / "a b.log").write_text("Traceback\nerror: predict: a; b (log: a b.log)\n")
    log = FAILED.format(rule="predict", log="a b.log")
    assert error_lines(DIED + log + log) == ["error: predict: a; b (log: a b.log)"]


def test_a_job_without_a_word_closes_with_what_snakemake_knows():
    failed = FAILED.format(rule="predict", log="predict.log")
    (line,) = error_lines(DIED + failed)
    assert line.startswith("error: predict: died of SIGKILL; unless somebody killed it, memory")
    assert line.endswith("with a smaller --cores (log: predict.log)")
    (line,) = error_lines(failed)
    assert line == "error: predict: failed; the messages above say why (log: predict.log)"


def test_the_death_is_that_of_the_job():
    """Of the block before the one that names the job."""
    failures = [FAILED.format(rule=rule, log=f"{rule}.log") for rule in ("predict", "quantize")]
    other = DIED.replace("SIGKILL: 9", "SIGBUS: 7")
    first, second = error_lines(DIED + failures[0] + other + failures[1])
    assert "predict: died of SIGKILL" in first and "quantize: died of SIGBUS" in second


def test_a_run_that_was_stopped_says_what_to_type():
    for text in ("Terminating processes on user request, this might take some time.\n",):
        failed = DIED + FAILED.format(rule="predict", log="predict.log")
        assert error_lines(failed + text) == [INTERRUPTED]


def test_a_full_disk_is_named_where_snakemake_itself_writes():
    (line,) = error_lines("OSError: [Errno 28] No space left on device: '.snakemake/metadata/a'\n")
    assert line.startswith("error: results: no space left (disk full); make room")
    assert error_lines("Nothing to be done\n") == []


ALL = "[date]\nlocalrule all:\n    input: a\n"
SUMMARY = "model  top-1\nint8   90%\n\nShip int8: " + "it keeps what counts, " * 9


@pytest.fixture
def results(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/summary.txt").write_text(SUMMARY + "\n")
    (tmp_path / "results/diagnosis.md").write_text("")
    (tmp_path / "results/recommendation.txt").write_text("Ship u8s8.\n")


@pytest.mark.parametrize("log", [ALL, "rule default:\n"])
def test_a_run_of_all_closes_with_table_verdict_and_next_steps(log, results):
    summary, steps = closing_texts(log)
    assert summary.startswith("model  top-1\nint8   90%\n\nShip int8: it keeps")
    assert steps.startswith("Next:\n") and "recommend" in steps and "comparison.html" in steps
    assert max(map(len, summary.splitlines())) <= 79


def test_reasons_of_a_loss_stand_behind_the_verdict(results, tmp_path):
    (tmp_path / "results/diagnosis.md").write_text("Lost more.\n")
    assert closing_texts(ALL)[1] == "Lost more."


def test_a_recommendation_comes_last(results):
    made = "rule write_recommendation:\n"
    text, steps = closing_texts(made)
    assert text == "Ship u8s8." and "--report report.html recommend" in steps
    summary, text, steps = closing_texts(made + ALL)
    assert summary.startswith("model") and text == "Ship u8s8."
    assert "--report report.html all recommend" in steps and "faster model" not in steps


def test_a_run_of_something_else_closes_with_nothing():
    assert closing_texts("rule allocate:\n    reason: rule all:\nrule compare:\n") == []


def test_commands_run_where_snakemake_is_not_on_the_path(results, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sys.executable", os.path.abspath(".venv/bin/python"))
    (*_, steps) = closing_texts(ALL)
    assert "\n  .venv/bin/python -m snakemake --report report.html  the report\n" in steps
    assert max(map(len, steps.splitlines())) <= 79
