"""The same results, byte by byte, wherever and however the workflow runs."""

import os
import shutil

import pytest
from helpers.faulty_runs import differences, output, start

SETTINGS = {
    "PYTHONHASHSEED 0": {"PYTHONHASHSEED": "0"},
    "PYTHONHASHSEED 1": {"PYTHONHASHSEED": "1"},
    "LANG C": {"LANG": "C", "LC_ALL": "C"},
    "LANG of Turkey": {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"},
    "TZ of Nepal": {"TZ": "Asia/Kathmandu"},
    "no HOME": {"HOME": "/nonexistent", "XDG_CACHE_HOME": "cache"},
}

pytestmark = pytest.mark.soak


def finish(folder, tiny, *targets, cores=2, mask=None, environment=None):
    os.makedirs(folder, exist_ok=True)
    inside = ["env", *(f"{key}={value}" for key, value in (environment or {}).items())]
    process = start(
        folder,
        *targets,
        configfiles=(tiny / "config.yaml",),
        inside=inside,
        limit=None if mask is None else lambda: os.umask(mask),
        cores=cores,
    )
    assert process.wait() == 0, output(folder)


def check(folder, tiny_run, tally):
    different = differences(folder, tiny_run)
    tally("equal bytes: environment, cores, umask, folder", 1, int(not different))
    assert different == []


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_environment_changes_nothing(setting, tiny, tiny_run, tmp_path, tally):
    finish(tmp_path / "run", tiny, "all", environment=SETTINGS[setting])
    check(tmp_path / "run", tiny_run, tally)


def test_the_number_of_cores_changes_nothing(tiny, tiny_run, tmp_path, tally):
    finish(tmp_path / "run", tiny, "all", cores=1)
    check(tmp_path / "run", tiny_run, tally)


def test_the_umask_changes_nothing(tiny, tiny_run, tmp_path, tally):
    finish(tmp_path / "run", tiny, "all", mask=0o077)
    check(tmp_path / "run", tiny_run, tally)


def test_a_moved_folder_changes_nothing(tiny, tiny_run, tmp_path, tally):
    """In the middle, to a name with a space and another depth."""
    finish(tmp_path / "run", tiny, "results/models/int8.onnx")
    moved = tmp_path / "other place/for it"
    moved.parent.mkdir()
    shutil.move(tmp_path / "run", moved)
    finish(moved, tiny, "all")
    check(moved, tiny_run, tally)
