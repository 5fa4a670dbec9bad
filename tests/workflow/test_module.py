"""The workflow as a part of another one, and the layout that the workflow catalogue asks for."""

import json
import shutil
import subprocess
import sys

import yaml
from helpers import REPOSITORY

SNAKEFILE = f"""
import yaml

module quantization:
    snakefile: "{REPOSITORY}/workflow/Snakefile"
    config: yaml.safe_load(open("quantization.yaml"))
    prefix: "ptq"


use rule * from quantization as ptq_*


use rule compare from quantization as ptq_compare with:
    log: "ptq/results/logs/compare_here.log"
    threads: 2


rule all:
    default_target: True
    input:
        rules.ptq_all.input,
        "summary.txt",


rule summarize:
    input:
        "ptq/results/comparison.csv",
    output:
        "summary.txt",
    shell:
        "wc -l < {{input}} > {{output}}"
"""


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )


def test_another_workflow_takes_all_rules_and_overrides_one(tiny, tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    config = yaml.safe_load((tiny / "config.yaml").read_text())  # its own, with few keys
    for section, key, name in (("dataset", "path", "data.npz"), ("model", "source", "model.onnx")):
        shutil.copyfile(tiny / name, tmp_path / name)
        config[section][key] = name  # found in the working folder, not below the prefix
    (tmp_path / "quantization.yaml").write_text(yaml.safe_dump(config))
    result = run(tmp_path)
    assert result.returncode == 0, result.stdout
    assert (tmp_path / "summary.txt").read_text().strip() == "4"  # header and three models
    assert (tmp_path / "ptq/results/logs/compare_here.log").is_file()
    evaluation = json.loads((tmp_path / "ptq/results/uint8_eval.json").read_text())
    assert evaluation["accuracy"]["total"] == 151
    verification = json.loads((tmp_path / "ptq/results/verification.json").read_text())
    assert {row["id"] for row in verification if not row["passed"]} == {
        "size_int8",
        "size_uint8",
    }
    again = run(tmp_path)
    assert again.returncode == 0 and "Nothing to be done" in again.stdout
    report = run(tmp_path, "--report", "report.html")
    assert report.returncode == 0, report.stdout
    assert "ptq/results/comparison.html" in (tmp_path / "report.html").read_text()


def test_the_layout_is_that_of_the_catalogue():
    """https://snakemake.github.io/snakemake-workflow-catalog: standardized usage."""
    assert (REPOSITORY / "workflow/Snakefile").is_file()
    assert (REPOSITORY / "config/README.md").is_file()
    assert (REPOSITORY / "config/config.yaml").is_file()
    assert (REPOSITORY / "README.md").is_file() and (REPOSITORY / "LICENSE").is_file()
    catalogue = yaml.safe_load((REPOSITORY / ".snakemake-workflow-catalog.yml").read_text())
    usage = catalogue["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert usage["software-stack-deployment"]["conda"] is True
    assert usage["report"] is True
    assert 'report: "report/workflow.rst"' in (REPOSITORY / "workflow/Snakefile").read_text()
