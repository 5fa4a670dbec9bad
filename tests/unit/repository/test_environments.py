"""The same versions everywhere: the lock, the conda environments, and what is declared."""

import re
import sys
import tomllib
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
import yaml
from helpers import REPOSITORY
from helpers.rules import read_rules
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = (REPOSITORY / "requirements.lock").read_text()
TEST_LOCK = (REPOSITORY / "requirements-test.lock").read_text()
CONVERT_LOCK = (REPOSITORY / "requirements-convert.lock").read_text()
CLUSTER_LOCK = (REPOSITORY / "requirements-cluster.lock").read_text()
OPENVINO_LOCK = (REPOSITORY / "requirements-openvino.lock").read_text()
TOOLS_LOCK = (REPOSITORY / "requirements-tools.lock").read_text()
EMULATOR_LOCK = (REPOSITORY / "requirements-emulator.lock").read_text()
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
ENVIRONMENTS = sorted((REPOSITORY / "envs").glob("*.yaml"))
PYTHON = "3.11"


def locked(lock=LOCK, python=PYTHON):
    """Return the locked version of every package for a Python; by default that of conda's."""
    requirements = re.findall(r"^([^\s#].*?) *\\$", lock, re.MULTILINE)
    parsed = [Requirement(line) for line in requirements if "==" in line]
    here = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "platform_machine": "x86_64",
        "sys_platform": "linux",
    }
    return {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement in parsed
        if requirement.marker is None or requirement.marker.evaluate(here)
    }


def declared_for_tests():
    groups = PROJECT["dependency-groups"]
    texts = groups["test"] + groups["parquet"]
    return [Requirement(text) for text in texts if isinstance(text, str)]  # not another group


def test_every_requirement_is_locked_to_a_version_that_fits():
    for_run = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    for requirements, versions in (
        (for_run, locked()),
        ([*for_run, *declared_for_tests()], locked(TEST_LOCK)),
    ):
        for requirement in requirements:
            version = versions[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), requirement.name


def test_a_run_installs_nothing_for_tests():
    """They were 40 % of what `make run` installed."""
    assert not {canonicalize_name(needed.name) for needed in declared_for_tests()} & set(locked())
    assert locked().items() <= locked(TEST_LOCK).items()


TARGET = re.compile(r"(?m)^([\w./-]+):(?!=)(.*)\n((?:\t.*\n)*)")


def makefile_targets():
    """Return what each target of the Makefile needs, and its commands."""
    text = (REPOSITORY / "Makefile").read_text()
    return {name: (needs.split(), commands) for name, needs, commands in TARGET.findall(text)}


def test_make_installs_what_a_target_uses():
    targets = makefile_targets()
    tools = r"pytest|PYTEST|ruff|mypy|snakefmt|benchmarks\."
    used = {name for name, (_, commands) in targets.items() if re.search(tools, commands)}
    assert used == {"test", "test-rest", "soak", "lint", "format", "bench"}
    assert {name for name, (needs, _) in targets.items() if ".venv/tests" in needs} == used
    assert targets["run"][0] == [".venv/installed"]
    for target, lock in ((".venv/installed", ""), (".venv/tests", "-test")):
        needs, commands = targets[target]
        assert needs[-1] == f"requirements{lock}.lock"
        assert f"$(INSTALL) --requirement {needs[-1]}\n" in commands


def test_the_tools_are_locked_apart():
    """They see what the workflow installs, and bring in packages that it does without."""
    for requirement in map(Requirement, PROJECT["dependency-groups"]["tools"]):
        assert requirement.specifier.contains(locked(TOOLS_LOCK)[requirement.name])
        assert requirement.name not in locked(TEST_LOCK)


@pytest.mark.parametrize(
    ("lock", "fewest"),
    [(LOCK, 40), (TEST_LOCK, 40), (CONVERT_LOCK, 40), (CLUSTER_LOCK, 40), (TOOLS_LOCK, 40),
     (OPENVINO_LOCK, 6), (EMULATOR_LOCK, 4)],
    ids=["main", "test", "convert", "cluster", "tools", "openvino", "emulator"],
)  # fmt: skip
def test_every_locked_file_has_a_hash_and_no_address(lock, fewest):
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(blocks) >= fewest
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in lock and "index" not in re.sub(r"(?m)^#.*$", "", lock)


def test_all_locks_agree_so_that_one_environment_serves():
    main, convert = locked(TEST_LOCK), locked(CONVERT_LOCK)
    shared = set(main) & set(convert)
    assert len(shared) > 40
    assert {name: main[name] for name in shared} == {name: convert[name] for name in shared}
    for requirement in map(Requirement, PROJECT["dependency-groups"]["convert"]):
        if requirement.name != "tensorflow":  # of other machines
            assert requirement.specifier.contains(convert[requirement.name])


def test_an_emulated_cpu_has_the_onnxruntime_of_this_one():
    """Otherwise another prediction would tell of a release, not of a CPU."""
    emulated, newest = locked(EMULATOR_LOCK), locked(python="3.13")
    assert set(emulated) >= {"numpy", "onnxruntime"}
    assert emulated.items() <= newest.items()
    assert "version=3.13 " in (REPOSITORY / "tools/emulator.sh").read_text()


def test_a_cluster_runs_what_one_machine_runs():
    """Path files of .venv-cluster lead to .venv, whose packages it takes where versions agree."""
    main, cluster = locked(TEST_LOCK), locked(CLUSTER_LOCK)
    declared = PROJECT["dependency-groups"]["cluster"]
    for requirement in map(Requirement, declared):
        assert requirement.specifier.contains(cluster[requirement.name]), requirement.name
    for requirement in map(Requirement, PROJECT["project"]["dependencies"]):
        assert cluster[requirement.name] == main[requirement.name]
    differing = {name for name in main.keys() & cluster.keys() if main[name] != cluster[name]}
    assert differing <= {"python-dateutil"}


def test_openvino_comes_with_an_onnxruntime_of_its_own_and_nothing_else():
    """All other packages are those of .venv, which a path file of .venv-openvino leads to."""
    main, openvino = locked(), locked(OPENVINO_LOCK)
    (requirement,) = map(Requirement, PROJECT["dependency-groups"]["openvino"])
    assert requirement.specifier.contains(openvino.pop(requirement.name))
    assert "onnxruntime" not in openvino and openvino.items() <= main.items()


def test_plugins_slow_no_run_on_one_machine_down():
    """Snakemake imports all that are installed."""
    assert "snakemake" in locked()
    assert not [
        name for name in locked(TEST_LOCK) if re.match("snakemake-(executor|storage)-", name)
    ]


def test_the_container_installs_the_locks_with_the_python_of_the_environments():
    text = (REPOSITORY / "Dockerfile").read_text()
    assert f"FROM python:{PYTHON}" in text
    installed = re.findall(r"--require-hashes --no-deps --requirement (\S+\.lock)", text)
    locks = ["requirements.lock", "requirements-convert.lock", "requirements-cluster.lock"]
    assert installed == locks


# What conda-forge has under another name; matplotlib there brings Qt.
CONDA_NAMES = {"flatbuffers": "python-flatbuffers", "matplotlib": "matplotlib-base"}


def pinned(path):
    """Return the version of each package of a conda environment, by its name in the locks."""
    text = path.read_text()
    packages = re.findall(r"(?m)^ +- ([\w-]+) ?==?([\w.]+)$", text)
    names = {conda: name for name, conda in CONDA_NAMES.items()}
    found = {names.get(name, name): version for name, version in packages}
    # Nothing is without a version, but pip itself.
    listed = re.findall(r"(?m)^ +- (?!pip\b|conda-forge$|nodefaults$)", text)
    assert len(found) == len(packages) == len(listed), path
    return found


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_conda_environment_pins_the_versions_of_the_lock(path):
    assert yaml.safe_load(path.read_text())["channels"] == ["conda-forge", "nodefaults"]
    versions = locked(CONVERT_LOCK if path.stem == "convert" else LOCK)
    packages = pinned(path)
    assert packages.pop("python") == PYTHON
    assert {name: versions.get(name) for name in packages} == packages


def test_every_rule_has_an_environment_that_exists():
    works = r"^    (output|run|script|shell):"  # a target has input alone
    used = {rule.environment for rule in read_rules().values() if rule.find(works)}
    assert used == {path.stem for path in ENVIRONMENTS}


IMPORTS = re.compile(r"(?m)^\s*(?:from|import) (\w+)")
OF_ONNXRUNTIME = {"ort_flatbuffers_py"}  # which the package onnxruntime puts on the path
# Installed by those who need it; without it, a line says so.
OPTIONAL = {Requirement(text).name for text in PROJECT["dependency-groups"]["parquet"]}
PACKAGE_OF = {
    "PIL": "pillow",
    "google": "protobuf",
    "yaml": "pyyaml",
    "tensorflow": "tensorflow-cpu",
    "tf_keras": "tf-keras",
}


@pytest.mark.parametrize("name", [name for name, rule in read_rules().items() if rule.script])
def test_the_environment_of_a_rule_has_what_its_script_imports(name):
    """A package that is missing would show only under conda, which tests cannot count on."""
    rule = read_rules()[name]
    script = REPOSITORY / "workflow/scripts" / f"{rule.script}.py"
    packages = pinned(REPOSITORY / "envs" / f"{rule.environment}.yaml")
    finder = ModuleFinder(path=[str(script.parent)])
    finder.run_script(str(script))
    files = [module.__file__ for module in finder.modules.values() if module.__file__]
    for file in files:
        for module in IMPORTS.findall(Path(file).read_text()):
            if module not in {
                *sys.stdlib_module_names,
                "ptq_comparison",
                *OPTIONAL,
                *OF_ONNXRUNTIME,
            }:
                package = PACKAGE_OF.get(module, module)
                assert package in packages, f"envs/{rule.environment}.yaml: {package} for {file}"
