"""Progress: plain lines in the log."""

import logging

import pytest
from ptq_comparison.common.progress import Progress


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def test_the_log_gets_a_line_for_each_tenth(lines):
    with Progress("calibrating", 1000, " tensors") as progress:
        for _ in range(100):
            progress.update(10)
    assert lines() == [f"calibrating: {n:,} of 1,000 tensors" for n in range(100, 1001, 100)]


def test_large_steps_write_one_line_each(lines):
    with Progress("calibrating", 90) as progress:
        for size in (32, 32, 26):
            progress.update(size)
    assert lines() == [f"calibrating: {n} of 90 images" for n in (32, 64, 90)]


def test_what_is_counted_again_is_written_once(lines):
    """As by a download that begins again; its last piece also counts more than there is."""
    with Progress("downloading", 1, " B") as progress:
        progress.total = 2500
        for _ in range(3):
            progress.update(1000)
        progress.reset()
        progress.update(2500)
    assert lines() == [f"downloading: {n:,} of 2,500 B" for n in (1000, 2000, 2500)]


def test_without_a_total_the_log_gets_nothing(lines):
    with Progress("downloading", None, " B") as progress:
        progress.update(1000)
    assert lines() == []
