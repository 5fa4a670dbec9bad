"""The workflow as a part of another one, and the layout that the workflow catalogue asks for."""

import hashlib
import json
import shutil
import subprocess

import pytest
import yaml
from helpers import REPOSITORY
from helpers.snakemake_runs import run_in
from ptq_comparison.model.bundled import BUNDLED_SHA256
from snakedeploy.deploy import deploy

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


TESTED = "results/uint8_eval.json"
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


def git(folder, *arguments):
    """Return what a command of git prints."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", folder, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def published(tmp_path):
    """An environment in which github.com has this repository, under the tag v1."""
    folder = tmp_path / "published"
    files = git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in files:
        if (REPOSITORY / name).exists():  # not one that is deleted and not yet committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, folder / name)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-f", ".")
    git(folder, "commit", "-qm", "all")
    git(folder, "tag", "v1")
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


@pytest.mark.slow  # the default has 10,000 test images
def test_the_default_is_deployed_and_runs(published, tmp_path, monkeypatch):
    for name, value in published.items():  # for the git that snakedeploy starts
        monkeypatch.setenv(name, value)
    folder = tmp_path / "deployed"
    deploy(
        "https://github.com/owner/repository", name=None, tag="v1", branch=None, dest_path=folder
    )
    assert {path.name for path in folder.iterdir()} == {"LICENSE", "config", "profiles", "workflow"}
    result = run(folder, TESTED)
    assert result.returncode == 0, result.stdout
    assert "specific profile profiles/default" in result.stdout
    evaluation = json.loads((folder / TESTED).read_text())
    assert evaluation["accuracy"]["total"] == 10_000
    assert evaluation["accuracy"]["correct"] > 9_000
    model = (folder / "results/models/fp32.onnx").read_bytes()
    assert hashlib.sha256(model).hexdigest() == BUNDLED_SHA256
    moved = folder.rename(tmp_path / "moved")
    again = run(moved, "-n", TESTED)
    assert again.returncode == 0 and "Nothing to be done" in again.stdout, again.stdout


@pytest.mark.parametrize("ref", [{"branch": "main"}, {"commit": "HEAD"}])
def test_a_branch_and_a_commit_bring_the_bundled_model(published, tmp_path, monkeypatch, ref):
    for name, value in published.items():
        monkeypatch.setenv(name, value)
    if "commit" in ref:
        ref = {"commit": git(tmp_path / "published", "rev-parse", "HEAD").strip()}
    options = {"tag": None, "branch": None, **ref}
    deploy("https://github.com/owner/repository", name=None, dest_path=tmp_path / "here", **options)
    result = run(tmp_path / "here", "results/models/bundled.onnx")
    assert result.returncode == 0, result.stdout
    content = (tmp_path / "here/results/models/bundled.onnx").read_bytes()
    assert hashlib.sha256(content).hexdigest() == BUNDLED_SHA256


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
