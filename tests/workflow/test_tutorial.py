"""docs/tutorial.md, block by block: what it names is written, what it says to type is run."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from helpers import REPOSITORY
from helpers.paths import copy_repository
from helpers.snakemake_runs import run_in

BLOCKS = [
    "\n".join(line[4:] for line in block.splitlines()).strip("\n") + "\n"
    for block in re.findall(
        r"(?:^    .*\n|^\n)+", (REPOSITORY / "docs/tutorial.md").read_text(), re.MULTILINE
    )
    if block.strip()
]
FILE = re.compile(r"# (\w+\.(?:py|yaml))\n")
PROGRAMS = ("python", "snakemake", "cat")
# What PyTorch 2.14 exported by the page's train.py: PyTorch is too large for the lock.
STORED = REPOSITORY / "tests/data/tutorial.onnx"
TORCH = importlib.util.find_spec("torch") is not None


def steps():
    """Yield ("write", name, text) and ("run", command, None), in the order of the page."""
    for block in BLOCKS:
        named = FILE.match(block)
        if named:
            yield "write", named[1], block
        elif block.startswith(PROGRAMS):
            for line in block.splitlines():
                yield "run", line, None


def run_program(folder, command):
    """Run a command of the page as in an active .venv, and return what it prints."""
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        shlex.split(command), cwd=folder, env={**os.environ, "PATH": search},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, (command, result.stdout, result.stderr)
    return result.stdout


def shorten(folder):
    """Measure for a moment, ask for no speed of a busy machine, and try few recipes."""
    path = folder / "config/config.yaml"
    config = yaml.safe_load(path.read_text())
    config["latency"] |= {"seconds": 0.05, "threads": [1], "batch_sizes": [1]}
    config["sweep"]["seconds"] = 0.05
    config["recommend"]["min_speedup"] = None
    path.write_text(yaml.safe_dump(config))
    path = folder / "config/recipes.yaml"
    recipes = yaml.safe_load(path.read_text())["recipes"]
    few = {name: recipes[name] for name in ("int8", "u8s8_gptq_percentile")}
    few["u8s8_gptq_percentile"] |= {"format": "QOperator", "percentile": 99.99}
    path.write_text(yaml.safe_dump({"recipes": few}, sort_keys=False))


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The folder behind the last step of the page, and what each command printed."""
    folder = tmp_path_factory.mktemp("tutorial") / "repository"
    copy_repository(folder, "tests")
    shorten(folder)
    printed = {}
    for kind, what, text in steps():
        if kind == "write":
            (folder / what).write_text(text)
        elif what == "python train.py":
            shutil.copy(STORED, folder / "my_model.onnx")
        elif what.startswith("snakemake"):
            result = run_in(folder, *shlex.split(what)[1:])
            assert result.returncode == 0, (what, result.stdout)
            printed[what] = result.stdout
        else:
            printed[what] = run_program(folder, what)
    return folder, printed


def test_the_page_has_all_steps():
    files = [what for kind, what, _ in steps() if kind == "write"]
    assert files == ["draw_photos.py", "prepare.py", "train.py", "my_model.yaml", "classify.py"]
    commands = " ".join(what for kind, what, _ in steps() if kind == "run")
    for part in ("draw_photos.py", "train.py", " all ", " recommend ", "classify.py"):
        assert part in commands
    (application,) = (text for _, what, text in steps() if what == "classify.py")
    assert sum(bool(line.strip()) for line in application.splitlines()) <= 15


@pytest.mark.slow  # draws photos and runs all and recommend: half a minute
def test_every_step_of_the_page_works(followed):
    folder, printed = followed
    (compared,) = (text for command, text in printed.items() if " all " in command)
    assert (folder / "results/summary.txt").read_text().rstrip() in compared
    (shown,) = (text for command, text in printed.items() if command.startswith("python classify"))
    assert [line.split()[1] for line in shown.splitlines()] == ["dots", "stripes"]
    with np.load(folder / "results/predictions/fp32.npz") as arrays:
        assert (arrays["predicted"] == arrays["labels"]).mean() > 0.95


@pytest.mark.slow  # the same run
def test_the_application_answers_as_the_workflow_predicted(followed):
    """Its own preprocessing, one photo at a time, in onnxruntime alone."""
    folder, _ = followed
    photos = sorted((folder / "photos/test").glob("*/*.jpg"))
    command = ["python", "classify.py", *(str(path.relative_to(folder)) for path in photos)]
    answers = [line.split()[1] for line in run_program(folder, shlex.join(command)).splitlines()]
    with np.load(folder / "results/predictions/recommended.npz") as arrays:
        predicted = arrays["predicted"]
    classes = sorted({path.parent.name for path in photos})
    assert answers == [classes[index] for index in predicted]
    assert len(answers) == 480


@pytest.mark.slow  # trains for a minute or two
@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed (dependency group training)")
def test_the_training_gives_a_model_like_the_stored_one(tmp_path):
    for kind, what, text in steps():
        if kind == "write":
            (tmp_path / what).write_text(text)
        elif what in ("python draw_photos.py", "python train.py"):
            run_program(tmp_path, what)
    operators = [
        [node.op_type for node in onnx.load(path).graph.node]
        for path in (STORED, tmp_path / "my_model.onnx")
    ]
    assert operators[0] == operators[1]
    application = (tmp_path / "classify.py").read_text()
    (tmp_path / "classify.py").write_text(
        application.replace("results/models/recommended.onnx", "my_model.onnx")
    )
    photos = sorted((tmp_path / "photos/test").glob("*/*.jpg"))
    answers = run_program(tmp_path, shlex.join(["python", "classify.py", *map(str, photos)]))
    right = [line.split()[1] == Path(line.split()[0]).parent.name for line in answers.splitlines()]
    assert np.mean(right) > 0.9
