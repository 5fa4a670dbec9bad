"""What keeps the repository in order says the same everywhere."""

import re
import runpy
import shutil
import subprocess
import tomllib

import pytest
import yaml
from helpers import REPOSITORY
from helpers.rules import RULES, figure_names, read_rules, rules_text

MEMORY = r"^ +mem_mb=(\w+),$"


def test_pre_commit_runs_what_make_lint_runs():
    makefile = (REPOSITORY / "Makefile").read_text()
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE).group(1)
    commands = {
        re.sub(r"\$\(RUN\) |\.venv/bin/", "", line).strip().removesuffix(" .")
        for line in lint.splitlines()
    }
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"][0][
        "hooks"
    ]
    assert {hook["entry"].removeprefix(".venv/bin/") for hook in hooks} == commands


def test_the_forge_runs_what_contributors_run():
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())
    steps = workflow["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_ci_fails_where_a_tool_of_the_tests_is_missing(tmp_path):
    """A test that is skipped looks like one that has passed."""
    script = (REPOSITORY / ".ci/run").read_text()
    texts = [path.read_text() for path in (REPOSITORY / "tests").rglob("*.py")]
    tools = {tool for text in texts for tool in re.findall(r'shutil\.which\("(\w+)"\)', text)}
    tools -= {"unshare", "pdflatex"}  # a part of every Linux; a gigabyte for one test
    assert tools >= {"chromium", "chromedriver", "valgrind"}
    assert all(f"[{tool}]=" in script for tool in tools)

    # Only what the beginning of the script needs: no apt-get, no browser.
    head, _, _ = script.partition("\nSHARED_RUNS=")
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").write_text(head)
    (tmp_path / "bin").mkdir()
    for name in ("bash", "dirname", "id", "mktemp", "rm", *(tools - {"chromium"})):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or "/bin/true")
    for slurm in ("munged", "slurmd"):
        (tmp_path / "bin" / slurm).symlink_to("/bin/true")

    def run(**environment):
        return subprocess.run(
            ["bash", ".ci/run"],
            cwd=tmp_path,
            env={"PATH": str(tmp_path / "bin"), **environment},
            capture_output=True,
            text=True,
        )

    result = run(GITHUB_ACTIONS="true")
    assert result.returncode == 1, result.stderr
    assert result.stdout == "error: .ci/run: GitHub has to run all tests; install: chromium\n"
    assert run().returncode == 0  # a contributor without a browser
    (tmp_path / "bin/chromium").symlink_to("/bin/true")
    assert run(GITHUB_ACTIONS="true").returncode == 0


def test_what_others_publish_is_named_by_its_digest():
    """A tag of an action or an image can be moved to other code."""
    workflows = list((REPOSITORY / ".github/workflows").glob("*.y*ml"))
    text = "\n".join(path.read_text() for path in workflows)
    uses = re.findall(r"uses: *(.+)", text)
    assert len(uses) >= 2
    for action in uses:
        assert re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    images = re.findall(r"(?m)^FROM (.+)", (REPOSITORY / "Dockerfile").read_text())
    assert images
    for image in images:
        assert re.fullmatch(r"\w+:[\w.-]+@sha256:[0-9a-f]{64}", image), image


def test_the_forge_tests_the_oldest_python():
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())
    versions = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={versions[0]}" and len(versions) > 1


def test_versions_agree():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert citation["version"] == project["version"] and citation["license"] == project["license"]
    assert f"## {project['version']}" in (REPOSITORY / "CHANGELOG.md").read_text()
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    minimum = re.search(
        r'min_version\("([^"]+)"\)', (REPOSITORY / "workflow/Snakefile").read_text()
    )
    (snakemake,) = [line for line in project["dependencies"] if line.startswith("snakemake")]
    assert f">={minimum.group(1)}" in snakemake


def test_a_rule_has_a_script_of_its_name():
    own = {name: rule.script for name, rule in read_rules().items() if not rule.parent}
    named = {name: script for name, script in own.items() if script}
    assert named == {name: name for name in named}
    assert set(named) == {path.stem for path in (REPOSITORY / "workflow/scripts").glob("*.py")}


def test_no_model_of_the_user_takes_the_name_of_another_one():
    """Two rules would make the same file."""
    own = set(re.findall(r'="results/models/(\w+)\.onnx",', rules_text()))
    schema = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
    quantization = schema["properties"]["quantization"]["properties"]
    taken = set(quantization["extra_dtypes"]["propertyNames"]["not"]["enum"])
    assert own >= {"fp32", "bundled", "recommended"}
    assert own <= taken, "reserve these names in quantization.extra_dtypes of the schema"


def test_every_file_of_rules_is_included():
    snakefile = (REPOSITORY / "workflow/Snakefile").read_text()
    included = re.findall(r'include: "rules/(\w+)\.smk"', snakefile)
    assert sorted(included) == sorted(path.stem for path in RULES.glob("*.smk"))


def test_pictures_are_small_and_shown():
    pictures = {path.name: path for path in (REPOSITORY / "docs/pictures").iterdir()}
    assert sum(path.stat().st_size for path in pictures.values()) < 1_000_000
    page = (REPOSITORY / "docs/gallery.md").read_text()
    shown = set(re.findall(r"(?:\]\(|src=\")pictures/([^)\"]+)", page))
    assert shown == set(pictures)
    # What the command of the gallery would write.
    tool = runpy.run_path(str(REPOSITORY / "docs/make_pictures.py"))
    made = {f"{name}.png" for name in tool["SHOTS"]} | {f"{name}.svg" for name in figure_names()}
    assert shown == made


def test_every_item_of_the_report_has_caption_category_and_labels():
    """Without labels the report shows bare paths; with other keys the items stand in two tables."""
    text = rules_text()
    items = re.findall(r"\breport\((.*?)\n        \)", text, re.DOTALL)
    assert len(items) == len(re.findall(r"\breport\(", text)) > 0
    for item in items:
        caption = re.search(r'caption="\.\./(report/\w+\.rst)"', item).group(1)
        assert len((REPOSITORY / "workflow" / caption).read_text()) > 100
        assert re.search(r'category="\d \w', item), item
        labels = r'labels=\{\s*"content": "[^"]+",\s*"shows": "[^"]+",?\s*\}'
        assert re.search(labels, item), item


PROFILES = [REPOSITORY / "profiles" / name / "config.yaml" for name in ("slurm", "kubernetes")]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.parent.name)
def test_a_cluster_profile_groups_rules_that_there_are(path):
    """Snakemake ignores other names."""
    assert set(yaml.safe_load(path.read_text())["groups"]) <= set(read_rules())


def test_both_cluster_profiles_group_the_same_rules():
    slurm, kubernetes = (yaml.safe_load(path.read_text())["groups"] for path in PROFILES)
    assert slurm == kubernetes


# What runs long, or has to have a machine to itself: a job of its own in a queue.
LONG = {
    *("download", "predict", "predict_shard", "calibrate_recipe", "measure_sensitivity"),
    *("mix_precision", "measure_latency", "measure_provider", "time_recipes", "time_recommended"),
    *("evaluate_draw", "evaluate_recommended_draw", "emulate_device"),
}


def test_every_short_rule_is_in_a_group():
    """A job in a queue costs more than a short rule."""
    groups = yaml.safe_load(PROFILES[0].read_text())["groups"]
    working = {name for name, rule in read_rules().items() if rule.script}
    assert working - LONG - set(groups) == set(), (
        "put these rules into a group in profiles/slurm and profiles/kubernetes, or into LONG here"
    )
    assert LONG & set(groups) == set() and working >= LONG


def test_long_rules_have_more_time_than_others():
    profile = yaml.safe_load(PROFILES[0].read_text())
    minutes = {name: asked["runtime"] for name, asked in profile["set-resources"].items()}
    assert set(minutes) == LONG, "give these rules a runtime in set-resources of profiles/slurm"
    assert min(minutes.values()) > profile["default-resources"]["runtime"]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.parent.name)
def test_a_cluster_profile_bounds_the_rules_that_ask_for_all_cores(path):
    asking = {
        name
        for name, rule in read_rules().items()
        if (rule.find(r"^    threads: (.*)") or "").startswith(("1000", "ALL_CORES"))
    }
    profile = yaml.safe_load(path.read_text())
    assert set(profile["set-threads"]) == asking != set()


def test_every_rule_says_how_much_memory_it_needs():
    """Without that, a cluster gives a job what its partition has by default."""
    silent = [n for n, rule in read_rules().items() if rule.script and not rule.find(MEMORY)]
    assert silent == [], "give these rules mem_mb, as get_memory or get_small_memory of common.smk"
