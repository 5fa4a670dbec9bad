"""`snakemake --report` after a run."""

import re
import subprocess
import sys

from helpers import REPOSITORY


def test_report_holds_the_comparison_and_loads_nothing(tiny, tiny_run, tmp_path):
    report = tmp_path / "report.html"
    command = [sys.executable, "-m", "snakemake", "--directory", str(tiny_run)]
    command += ["--configfile", str(tiny / "config.yaml"), "--report", str(report)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    page = report.read_text()
    assert "results/comparison.html" in page
    assert "One row a model" in page  # the caption
    assert "What does an ONNX image classifier lose and gain" in page  # the description
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="https?:', page)
    assert report.stat().st_size < 5_000_000


def test_comparison_page_stands_alone(tiny_run):
    page = (tiny_run / "results/comparison.html").read_text()
    for model in ("fp32", "int8", "uint8"):
        assert f"<td>{model}</td>" in page
    assert "http" not in page
