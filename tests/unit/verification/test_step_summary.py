"""The summary of a step in GitHub Actions."""

import os

import pytest
from ptq_comparison.verification.rows import requirement
from ptq_comparison.verification.step_summary import append_summary, step_summary

COMPARISON = "# Comparison\n\n| model |\n| --- |\n| int8 |\n"


def test_the_comparison_comes_first_and_then_what_fails(tmp_path):
    rows = [
        requirement("drop", "loses little", ">= -3.0", -4.5, False, tmp_path, "a|b"),
        requirement("size", "is small", "<= 5", 4, True, tmp_path),
    ]
    text = step_summary(COMPARISON, rows)
    assert text.startswith(COMPARISON)
    assert "## Gate\n\n1 of 2 requirements hold.\n\n|" in text
    assert "| FAIL | loses little" in text and "a\\|b" in text and "is small" not in text
    text = step_summary(COMPARISON, rows[1:])
    assert text.endswith("## Gate\n\n1 of 1 requirements hold.\n\n")


def test_it_is_appended_to_what_is_there(tmp_path):
    path = tmp_path / "summary.md"
    assert append_summary(path, "é\n") is None and append_summary(path, "b\n") is None
    assert path.read_text(encoding="utf-8") == "é\nb\n"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "Is a directory"),
        (os.mkfifo, "No such device or address"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
        (lambda path: path.symlink_to(path / "none/x"), "Too many levels of symbolic links"),
    ],
)
def test_a_path_that_cannot_be_written_is_a_line(tmp_path, make, reason):
    path = tmp_path / "summary.md"
    make(path)
    line = append_summary(path, "text")
    assert line == f"GITHUB_STEP_SUMMARY: {path}: cannot be written ({reason}); left out"


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    assert "No such file or directory" in append_summary(tmp_path / "no/summary.md", "text")
    assert list(tmp_path.iterdir()) == []
