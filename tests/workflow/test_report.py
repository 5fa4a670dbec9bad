"""`snakemake --report` after a run."""

import re

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


def test_comparison_page_stands_alone(tiny_run):
    page = (tiny_run / "results/comparison.html").read_text()
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=", page)
    assert not re.search(r"import [^;]*['\"]https?:", page)
