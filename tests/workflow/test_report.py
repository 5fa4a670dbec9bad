"""`snakemake --report` after a run."""

import html
import json
import re
import zipfile

import pytest
from helpers import run_snakemake
from helpers.shared_runs import copy_run


def test_report_holds_the_comparison_and_loads_nothing(tiny, tiny_run, tmp_path):
    report = tmp_path / "report.html"
    files = (tiny / "config.yaml",)
    run = copy_run(tiny_run, tmp_path / "run")
    result = run_snakemake(run, configfiles=files, options=("--report", str(report)))
    assert result.returncode == 0, result.stdout
    page = report.read_text()
    assert "results/comparison.html" in page
    assert "One row a model" in page  # the caption
    assert "What does an ONNX image classifier lose and gain" in page  # the description
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="https?:', page)
    assert report.stat().st_size < 5_000_000


def make_report(tiny, run, path, *targets):
    """Return the first page of a report, and all of it."""
    files = (tiny / "config.yaml",)
    result = run_snakemake(run, *targets, configfiles=files, options=("--report", str(path)))
    assert result.returncode == 0, result.stdout
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith("/report.html")]
            page = archive.read(name).decode()
    else:
        page = path.read_text()
    (first,) = re.findall(r"var workflow_desc = (\".*?\");\n", page)
    return json.loads(first), page


@pytest.mark.parametrize("name", ["report.html", "report.zip"])
def test_it_opens_with_verdict_table_and_trade_off(tiny, tiny_run, tmp_path, name):
    run = copy_run(tiny_run, tmp_path / "run")
    first, page = make_report(tiny, run, tmp_path / name)
    verdict = html.escape((run / "results/verdict.txt").read_text().splitlines()[0])
    parts = (verdict, "<caption>Accuracy, size", "</table>", "<svg", "</svg>", "Calibration.")
    places = [first.index(part) for part in parts]
    assert places == sorted(places)
    assert "System Message" not in first
    assert "safe center" in page  # the stylesheet


@pytest.mark.parametrize(
    ("target", "shown"), [("results/models/int8.onnx", 0), ("results/comparison.html", 1)]
)
def test_the_report_of_a_part_shows_what_is_there(tiny, tiny_run, tmp_path, target, shown):
    run = copy_run(tiny_run, tmp_path / "run")
    for path in (run / "results/figures").iterdir():
        path.unlink()
    if not shown:
        for path in (run / "results").glob("*.*"):
            path.unlink()
    first, _ = make_report(tiny, run, tmp_path / "report.html", target)
    assert first.count('class="verdict"') == first.count("<table") == shown
    assert "<svg" not in first and "System Message" not in first
    assert "Calibration." in first


def test_comparison_page_stands_alone(tiny_run):
    page = (tiny_run / "results/comparison.html").read_text()
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=", page)
    assert not re.search(r"import [^;]*['\"]https?:", page)
