"""The workflow as a part of another one, and the layout that the workflow catalogue asks for."""

import json
import shutil
import subprocess

import pytest
import yaml
from helpers import REPOSITORY
from helpers.snakemake_runs import run_in

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


# As the workflow catalogue's `snakedeploy deploy-workflow` writes it.
DEPLOYED = """
configfile: "quantization.yaml"


module ptq_comparison:
    snakefile:
        github("owner/repository", path="workflow/Snakefile", tag="v1")
    config:
        config


use rule * from ptq_comparison
"""


def run(folder, *arguments, environment=None):
    return run_in(folder, "--cores", "2", *arguments, environment=environment)


def test_another_workflow_takes_all_rules_and_overrides_one(tiny, tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    copy_config(tiny, tmp_path)  # found in the working folder, not below the prefix
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


@pytest.fixture
def published(tmp_path):
    """An environment in which github.com has this repository, under the tag v1."""
    folder = tmp_path / "published"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C"]
    listed = ["ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run([*git, REPOSITORY, *listed], check=True, capture_output=True, text=True)
    for name in files.stdout.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, folder / name)
    for command in (["init", "-q"], ["add", "-f", "."], ["commit", "-qm", "all"], ["tag", "v1"]):
        subprocess.run([*git, folder, *command], check=True)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{folder.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/owner/repository",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def copy_config(tiny, folder, **sections):
    """Put configuration, data and model into a folder; paths are relative to it."""
    config = yaml.safe_load((tiny / "config.yaml").read_text()) | sections
    for section, key, name in (("dataset", "path", "data.npz"), ("model", "source", "model.onnx")):
        shutil.copyfile(tiny / name, folder / name)
        config[section][key] = name
    (folder / "quantization.yaml").write_text(yaml.safe_dump(config))


def test_it_is_deployed_as_the_catalogue_does(tiny, tiny_run, published, tmp_path):
    copy_config(tiny, tmp_path, quantization={"dtypes": ["uint8"]})
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(DEPLOYED)
    result = run(tmp_path, "all", environment=published)
    assert result.returncode == 0, result.stdout
    name = "results/uint8_eval.json"
    assert (tmp_path / name).read_bytes() == (tiny_run / name).read_bytes()
    again = run(tmp_path, "all", environment=published)
    assert again.returncode == 0 and "Nothing to be done" in again.stdout, again.stdout
    report = run(tmp_path, "--report", "report.html", environment=published)
    assert report.returncode == 0, report.stdout
    bundled = run(
        tmp_path, "-n", "all", "--config", "model={source: bundled}", environment=published
    )
    assert bundled.returncode != 0
    assert bundled.stdout.splitlines()[-1].startswith("error: config: model.source: the bundled")


def test_the_list_of_modules_is_complete():
    """Snakemake fetches them one by one: `git ls-files '*.py' > modules.txt` in that folder."""
    scripts = REPOSITORY / "workflow/scripts"
    found = {str(path.relative_to(scripts)) for path in scripts.rglob("*.py")}
    assert set((scripts / "modules.txt").read_text().split()) == found


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
