"""The files of docs/ci.md, run as they stand there, but for the data and the forge."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from helpers import REPOSITORY
from helpers.shared_runs import copy_run
from junitparser import JUnitXml

PAGE = (REPOSITORY / "docs/ci.md").read_text()
SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
ACCEPTANCE = SCHEMA["properties"]["acceptance"]["properties"]
SNAKEMAKE = "ptq/.venv/bin/snakemake"


def read_files():
    """Return the YAML files of the page, by the path in their first line."""
    blocks = re.findall(r"(?m)^    # (\S+\.ya?ml)\n((?:    .*\n|\n)+)", PAGE)
    return {
        name: yaml.safe_load("\n".join(line[4:] for line in block.splitlines()))
        for name, block in blocks
    }


FILES = read_files()
GITHUB = FILES[".github/workflows/quantization.yaml"]
GITLAB = FILES[".gitlab-ci.yml"]
STEPS = GITHUB["jobs"]["gate"]["steps"]


def script_of(name):
    (step,) = [step for step in STEPS if step.get("name", "").startswith(name)]
    return step["run"]


def test_the_files_are_what_forges_read():
    assert set(FILES) == {
        *("quantization.yaml", "last_release.yaml"),
        *(".github/workflows/quantization.yaml", ".gitlab-ci.yml"),
    }
    assert set(GITHUB[True]) == {"pull_request", "release"}  # YAML 1.1 takes `on` for true
    for step in STEPS:
        assert ("uses" in step) != ("run" in step)
    job = GITLAB["quantization"]
    assert job["artifacts"]["reports"] == {"junit": "results/verification.xml"}
    # The files that are kept, and the JUnit file, are also there after a failure.
    assert job["artifacts"]["when"] == "always"
    (upload,) = [step for step in STEPS if "upload-artifact" in step.get("uses", "")]
    assert upload["if"] == "always()"


def test_every_key_is_one_of_the_configuration():
    named = set(re.findall(r"`acceptance\.(\w+)", PAGE))
    assert named <= set(ACCEPTANCE)
    assert set(ACCEPTANCE) - named == {"suspicious_input"}  # stops the run, not the gate
    for name in ("quantization.yaml", "last_release.yaml"):
        for section, keys in FILES[name].items():
            assert set(keys) <= set(SCHEMA["properties"][section]["properties"])


def test_make_targets_and_folders_are_those_of_the_repository():
    commands = [step["run"] for step in STEPS if "run" in step] + GITLAB["quantization"]["script"]
    targets = {match for text in commands for match in re.findall(r"make -C ptq (\S+)", text)}
    makefile = (REPOSITORY / "Makefile").read_text()
    assert targets and all(f"\n{target}:" in makefile for target in targets)
    snakefiles = [match for text in commands for match in re.findall(r"--snakefile (\S+)", text)]
    assert snakefiles == ["ptq/Snakefile", "ptq/Snakefile"]
    assert (REPOSITORY / "Snakefile").is_file()


@pytest.fixture
def project(tiny, tiny_run, tmp_path):
    """A user's repository beside a checkout of this one, with a forge that knows releases."""
    folder = copy_run(tiny_run, tmp_path / "project")
    (folder / "ptq").symlink_to(REPOSITORY)
    # The tiny model in place of the user's; it is too small to shrink.
    asked = yaml.safe_load((tiny / "config.yaml").read_text())
    for name in ("quantization.yaml", "last_release.yaml"):
        content = FILES[name]
        if name == "quantization.yaml":
            loose = {"max_drop_pp": 20, "min_agreement": 0.5, "min_size_reduction": None}
            content = {**asked, "acceptance": {**content["acceptance"], **loose}}
        (folder / name).write_text(yaml.safe_dump(content))
    forge = tmp_path / "forge"
    forge.mkdir()
    (forge / "gh").write_text(
        f'#!/bin/sh\ncase "$2" in\ndownload) cp "{forge}/$4" . ;;\nupload) cp "$4" "{forge}" ;;\n'
        "esac\n"
    )
    (forge / "gh").chmod(0o755)
    (tmp_path / "summary.md").touch()
    return folder


def run_step(project, name):
    """Run the script of a step as the forge does, and return how it ended."""
    command = script_of(name).replace(SNAKEMAKE, f"{sys.executable} -m snakemake")
    root = project.parent
    environment = {
        **os.environ,
        "PATH": f"{root / 'forge'}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(root / "summary.md"),
        "GITHUB_REF_NAME": "v1",
    }
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def case_names(project):
    """Return the names of the test cases, those that are skipped aside."""
    xml = JUnitXml.fromfile(project / "results/verification.xml")
    return {case.name for suite in xml for case in suite if not case.is_skipped}


def test_the_steps_compare_a_release_with_the_one_before(project):
    fetched = run_step(project, "Fetch")
    assert fetched.returncode == 0, fetched.stdout  # without any release
    first = run_step(project, "Gate")
    assert first.returncode == 0, first.stdout
    assert "Gate: " in first.stdout and "earlier_int8" not in case_names(project)
    kept = run_step(project, "Keep")
    assert kept.returncode == 0, kept.stdout

    fetched = run_step(project, "Fetch")
    assert fetched.returncode == 0, fetched.stdout
    second = run_step(project, "Gate")
    assert second.returncode == 0, second.stdout
    assert {"earlier_fp32", "earlier_int8", "earlier_uint8"} <= case_names(project)
    assert "| int8 " in (project.parent / "summary.md").read_text()

    # The codes of the table: a failing gate, and a mistake in the configuration.
    path = project / "quantization.yaml"
    strict = yaml.safe_load(path.read_text())
    strict["acceptance"]["min_size_reduction"] = 0.9
    path.write_text(yaml.safe_dump(strict))
    failed = run_step(project, "Gate")
    assert failed.returncode == 1 and "error: gate: 2 of" in failed.stdout, failed.stdout
    shutil.rmtree(project / "last_release")
    (project / "last_release").mkdir()
    mistake = run_step(project, "Gate")
    assert mistake.returncode == 1
    assert "error: config: acceptance.compare_to: last_release: holds no eval" in mistake.stdout
