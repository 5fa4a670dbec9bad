"""Models of strangers: each is refused in one line, or done right, in bounded time and memory."""

import contextlib
import json
import os
import runpy
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import RAW, REPOSITORY, make_images
from helpers.confined import confined
from helpers.hostile_models import (
    broken_copies,
    exploding_functions,
    greedy_files,
    hostile_files,
    many_nodes,
)
from ptq_comparison.preparation import quantizable_form  # noqa: F401  # forks have it already

SCRIPT = REPOSITORY / "workflow/scripts/prepare_model.py"
MAX_GB, MAX_SECONDS = 4, 2
LONGEST = 15  # seconds of a trial, on a machine that has other work, too


def prepare(folder, limits):
    """Run the script of the rule on `model.onnx` as Snakemake does; the file `terminal` is kept."""
    os.chdir(folder)
    os.dup2(os.open("terminal", os.O_RDWR | os.O_CREAT), 2)
    rule = SimpleNamespace(
        input={"source": "model.onnx", "images": "images.npy", "dataset": "dataset.json"},
        output={"model": "fp32.onnx"},
        params=SimpleNamespace(
            limits=limits, sha256=None, opset=None, output=None, preprocessing=RAW,
            required_opset=(10, "quantization"), excluded_by_channel=[],
        ),
        wildcards=[], threads=1, log=["rule.log"], rule="prepare_model",
    )  # fmt: skip
    with contextlib.suppress(SystemExit):
        runpy.run_path(str(SCRIPT), {"snakemake": rule}, run_name="__main__")


@pytest.fixture
def prepared(tmp_path, tally):
    """Return a function that tries files, given their writers, and returns the lines about them.

    A file survives if the job makes the model and says no error, or one line and no model; and
    leaves nothing else, in bounded time and memory.
    """
    images, _ = make_images(8, seed=1)
    described = json.dumps({"image_shape": [8, 8, 3], "class_names": ["a", "b", "c"]})

    def try_one(number, write, limits):
        folder = tmp_path / str(number) / "model"
        folder.mkdir(parents=True)
        np.save(folder / "images.npy", images)
        (folder / "dataset.json").write_text(described)
        write(folder)
        given = os.listdir(folder)
        outcome = confined(prepare, folder, limits)
        lines = (folder / "terminal").read_text().splitlines()
        errors = [line for line in lines if line.startswith("error: prepare_model: ")]
        made = set(os.listdir(folder)) - {*given, "terminal", "rule.log"}
        survived = (
            outcome.kind == "returned"
            and len(errors) <= 1
            and not any(text in "".join(lines) for text in ("Traceback", "unexpected", "died of"))
            and made == (set() if errors else {"fp32.onnx"})
            and outcome.seconds < LONGEST
            and outcome.peak_bytes < 1e9 * MAX_GB
        )
        return survived, "".join(errors), f"{outcome} {lines}"

    def try_all(trial, writers, max_gb=MAX_GB, max_seconds=MAX_SECONDS):
        limits = {"max_gb": max_gb, "max_seconds": max_seconds}
        results = {
            name: try_one(number, write, limits)
            for number, (name, write) in enumerate(writers.items())
        }
        tally(trial, len(results), sum(survived for survived, _, _ in results.values()))
        lost = {name: told for name, (survived, _, told) in results.items() if not survived}
        assert not lost
        return {name: line for name, (_, line, _) in results.items()}

    return try_all


def test_a_file_that_is_no_sound_model_is_refused(prepared):
    lines = prepared("hostile ONNX files", hostile_files())
    assert len(lines) >= 80
    done = {name for name, line in lines.items() if not line}
    assert done == {
        "negative sizes",  # stand for any size, as some exporters write it
        "batch of 100,000",  # 77 MB with images of 8 x 8
        "external: NUL",  # onnx reads the name up to it
        "node: stride 2^62",
    }
    for name, line in lines.items():
        if name.startswith("external: "):
            assert not line or "; export it again" in line


def test_broken_copies_of_a_model(prepared):
    prepared("broken copies of an ONNX file", copies(24, seed=0))


@pytest.mark.soak
def test_many_broken_copies_of_a_model(prepared):
    prepared("broken copies of an ONNX file", copies(500, seed=1))


def copies(count, seed):
    return {
        str(number): lambda folder, content=content: (folder / "model.onnx").write_bytes(content)
        for number, content in enumerate(broken_copies(count, seed))
    }


QUICK = ("Loop without an end", "Resize by 10^6", "ConstantOfShape of 2^40")


def test_a_model_without_bounds_is_ended(prepared):
    files = greedy_files()
    lines = prepared("models without bounds", {name: files[name] for name in QUICK})
    remedy = "if you trust it, raise model.max_gb (memory) or model.max_seconds (time)"
    loop, *others = lines.values()
    assert f"model.source: is not done after {MAX_SECONDS} CPU seconds; {remedy}" in loop
    assert all(f"model.source: needs more than {MAX_GB}.0 GB; {remedy}" in line for line in others)


@pytest.mark.soak
def test_models_without_bounds_are_ended(prepared):
    files = {name: write for name, write in greedy_files().items() if name not in QUICK}
    files |= {"functions of 2^40 nodes": exploding_functions, "10^6 nodes": many_nodes}
    assert all(prepared("models without bounds", files).values())
