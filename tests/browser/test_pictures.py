"""The pictures of the documentation, made by one command from a finished run."""

import runpy

import pytest
from helpers import REPOSITORY, run_snakemake
from helpers.rules import figure_names
from PIL import Image

pytestmark = pytest.mark.browser
TOOL = runpy.run_path(str(REPOSITORY / "docs/make_pictures.py"))


def test_a_finished_run_gives_all_pictures(chromium, default_run, tmp_path):
    """`chromium` skips the test where there is none."""
    report = tmp_path / "report.html"
    result = run_snakemake(default_run, options=("--report", str(report)))
    assert result.returncode == 0, result.stdout
    folder = tmp_path / "pictures"
    TOOL["make_pictures"](default_run / "results", report, folder)
    expected = {f"{name}.png" for name in TOOL["SHOTS"]} | {
        f"{name}.svg" for name in figure_names()
    }
    assert {path.name for path in folder.iterdir()} == expected
    for name, shot in TOOL["SHOTS"].items():
        with Image.open(folder / f"{name}.png") as picture:
            assert picture.size == shot.size
            assert len(picture.convert("L").getcolors()) > 50, name  # not blank


def test_a_run_that_is_not_finished_is_refused_and_nothing_is_removed(tmp_path):
    kept = tmp_path / "pictures/kept.svg"
    kept.parent.mkdir()
    kept.touch()
    with pytest.raises(SystemExit, match="run make report before"):
        TOOL["make_pictures"](tmp_path / "results", tmp_path / "report.html", kept.parent)
    assert kept.exists()
