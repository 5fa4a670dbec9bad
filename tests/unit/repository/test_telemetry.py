"""Nothing that a user or a developer starts lets onnxruntime report to its vendor."""

import re

import pytest
from helpers import REPOSITORY

SETTING = "ORT_DISABLE_TELEMETRY"
IMPORTS = re.compile(
    r"^\s*(?:import|from) (?:onnxruntime|ptq_comparison\.(?!common|config|datasets))", re.M
)
# Modules of the package are imported by those; tests by tests/conftest.py.
STARTED = sorted(
    path
    for folder in ("benchmarks", "training", "docs")
    for path in (REPOSITORY / folder).glob("*.py")
    if IMPORTS.search(path.read_text())
)


@pytest.mark.parametrize("path", STARTED, ids=lambda path: path.name)
def test_a_program_switches_telemetry_off_before_it_imports_onnxruntime(path):
    text = path.read_text()
    before = text[: IMPORTS.search(text).start()]
    package = path.with_name("__init__.py")
    assert SETTING in before or (package.is_file() and SETTING in package.read_text())


@pytest.mark.parametrize(
    "name",
    [
        "workflow/Snakefile",
        "workflow/scripts/ptq_comparison/common/job.py",
        "tests/conftest.py",
        "Makefile",
        "Dockerfile",
    ],
)
def test_what_starts_jobs_switches_it_off(name):
    assert SETTING in (REPOSITORY / name).read_text()


def test_a_user_may_switch_it_on():
    """setdefault and the like: what the environment has already wins."""
    for path in [*STARTED, REPOSITORY / "workflow/Snakefile"]:
        assert f'os.environ["{SETTING}"] =' not in path.read_text()
