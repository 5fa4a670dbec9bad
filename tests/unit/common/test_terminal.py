"""What a run shows on the terminal under a quiet profile."""

import io
import logging
import os
import time

import pytest
from ptq_comparison.common.terminal import ProgressLine, take_over
from snakemake.logging import DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

QUIET = {Quietness.RULES, Quietness.HOST}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def make_logger(quiet, stream):
    """Return a logger with the handlers that Snakemake makes, and the log as text."""
    logger = logging.Logger("snakemake", logging.INFO)
    log = io.StringIO()
    for name, target in (("DefaultStreamHandler", stream), ("DefaultLogFileHandler", log)):
        handler = logging.StreamHandler(target)
        handler.name = name
        handler.addFilter(DefaultFilter(quiet, False, False, False, False))
        handler.setFormatter(DefaultFormatter(quiet))
        logger.addHandler(handler)
    return logger, log


def tell(logger, event, text="", **told):
    logger.info(text, extra={"event": event, **told})


def job_info(logger, jobid, rule, log, **wildcards):
    keys = ("benchmark", "reason", "priority", "threads", "rule_msg", "local", "indent")
    told = dict.fromkeys((*keys, "is_checkpoint", "is_handover", "shellcmd"))
    told |= {"input": [], "output": [], "resources": {}}
    told |= {"jobid": jobid, "rule_name": rule, "log": [str(log)], "wildcards": wildcards}
    tell(logger, LogEvent.JOB_INFO, **told)


def run(logger, log):
    logger.info("Select jobs to execute...")
    tell(logger, LogEvent.RUN_INFO, "Job stats:", stats={"predict": 1, "total": 10})
    job_info(logger, 3, "predict", log, model="int8")
    for done in range(1, 11):
        tell(logger, LogEvent.PROGRESS, done=done, total=10)
    tell(logger, LogEvent.JOB_FINISHED, "Finished jobid: 3", job_id=3)


def test_a_pipe_gets_at_most_ten_lines(tmp_path):
    stream = io.StringIO()
    logger, log = make_logger(QUIET, stream)
    line = take_over(logger, is_dry_run=False)
    for done in range(1, 101):
        tell(logger, LogEvent.PROGRESS, done=done, total=100)
    line.close()
    assert stream.getvalue().splitlines() == [
        f"{n} of 100 steps ({n}%) done" for n in range(10, 101, 10)
    ]
    assert log.getvalue().count("steps") == 100


def test_the_log_has_what_the_terminal_has_not(tmp_path):
    stream = io.StringIO()
    logger, log = make_logger(QUIET, stream)
    take_over(logger, is_dry_run=False)
    run(logger, tmp_path / "none.log")
    assert "Select jobs" not in stream.getvalue() and "predict" not in stream.getvalue()
    for text in ("Select jobs", "Job stats:", "rule predict:", "Finished jobid: 3", "10 of 10"):
        assert text in log.getvalue()


def test_warnings_errors_and_what_is_up_to_date_are_shown():
    stream = io.StringIO()
    logger, _ = make_logger(QUIET, stream)
    take_over(logger, is_dry_run=False)
    logger.warning("a warning")
    logger.error("an error")
    logger.info("Nothing to be done (all requested files are present and up to date).")
    logger.info("Complete log(s): a.log")
    logger.info("Elapsed time: 1")
    logger.info("Report created.")
    assert [text.split()[0] for text in stream.getvalue().splitlines()] == [
        "a", "an", "Nothing", "Complete", "Report",
    ]  # fmt: skip


def test_a_terminal_shows_one_line_with_jobs_and_how_far_they_are(tmp_path):
    stream = Terminal()
    logger, _ = make_logger(QUIET, stream)
    line = take_over(logger, is_dry_run=False)
    tell(logger, LogEvent.RUN_INFO, "Job stats:", stats={"total": 2})
    log = tmp_path / "predict.log"
    log.write_text("INFO predicting int8: 900 of 1,000 images\n")
    os.utime(log, (1, 1))  # of an earlier run
    job_info(logger, 3, "predict", log, model="int8")
    assert "predict int8" in stream.getvalue() and "900" not in stream.getvalue()
    log.write_text("INFO predicting int8: 100 of 1,000 images\n")
    os.utime(log, (time.time() + 5,) * 2)
    tell(logger, LogEvent.PROGRESS, done=1, total=2)
    assert "1 of 2 steps" in stream.getvalue()
    assert "predict int8: 100 of 1,000 images" in stream.getvalue()
    line.close()
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().rpartition("\r")[2].strip() == ""  # it is gone


@pytest.mark.parametrize(("quiet", "dry"), [({Quietness.HOST}, False), (QUIET, True)])
def test_otherwise_the_terminal_stays_that_of_snakemake(quiet, dry, tmp_path):
    stream = io.StringIO()
    logger, _ = make_logger(quiet, stream)
    assert take_over(logger, is_dry_run=dry) is None
    run(logger, tmp_path / "none.log")
    assert "rule predict:" in stream.getvalue() and "Select jobs" in stream.getvalue()


def test_a_logger_plugin_keeps_the_terminal():
    assert take_over(logging.Logger("none"), is_dry_run=False) is None


def test_events_without_a_run_are_taken():
    ProgressLine(io.StringIO()).emit(logging.LogRecord("", 20, "", 0, "text", None, None))
