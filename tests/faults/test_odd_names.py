"""Odd names of folders and files, tensors and addresses: they work, or are refused in one line."""

import os
import shutil
from xml.etree import ElementTree

import onnx
import pytest
from helpers import (
    make_outlier_classifier,
    overlay,
    recipe_files,
    run_snakemake,
)
from helpers.paths import copy_repository

NOT_UTF8 = os.fsdecode(b"caf\xe9")
CONTROLS = "a\tb\nc\x01"
# Signs that mean something to a shell, to Python, to Snakemake, to YAML, or to the file system.
NAMES = [
    "{c}", "{{c}}", "{a,b}", "{wildcards.model}", "{", "<results>", ">",
    " two 'words' \" ", "é日本\u202e", "%s%(x)s", "$HOME`id`$(id)", "&;|*?[ab](x)\\n#~!", ":@=,",
    "-n", "..x", ".hidden", CONTROLS, "x" * 250, NOT_UTF8,
]  # fmt: skip
# In the configuration; folders may have such names.
REFUSED = {NOT_UTF8: "error: config: ", CONTROLS: "error: config: "}


def refused_folders(signs):
    return {name: "error: '/" for name in NAMES if name == NOT_UTF8 or set(name) & set(signs)}


def ended_well(result, expected):
    """Tell whether a run ended as expected: None for success, or with that start of a line."""
    lines = [line for line in result.stdout.splitlines() if line.startswith("error: ")]
    if "Traceback" in result.stdout:
        return False
    if expected is None:
        return result.returncode == 0 and not lines
    return result.returncode != 0 and lines and all(line.startswith(expected) for line in lines)


@pytest.fixture
def place(tiny, tmp_path):
    """Return a function that puts tiny data and model into a folder of that name."""

    def place(name):
        folder = tmp_path / "odd" / name
        folder.mkdir(parents=True)
        for file in ("data.npz", "model.onnx"):
            os.link(tiny / file, folder / file)
        return folder

    return place


def try_names(names, refused, run, tally, trial):
    lost = {}
    for name in names:
        result = run(name)
        if not ended_well(result, refused.get(name)):
            lost[name] = result.stdout
    tally(trial, len(names), len(names) - len(lost))
    assert not lost, "\n".join(lost.values())


def run_on(place, tiny, tmp_path, *options, target="results/models/fp32.onnx"):
    """Return a function that runs on data and a model in a folder of that name."""

    def run(name):
        folder = place(name)
        config = {
            "dataset": {"path": str(folder / "data.npz")},
            "model": {"source": str(folder / "model.onnx")},
        }
        own = overlay(tmp_path / "own.yaml", config)
        working = tmp_path / "working"
        shutil.rmtree(working, ignore_errors=True)
        files = (tiny / "config.yaml", own)
        return run_snakemake(working, target, configfiles=files, options=options)

    return run


FEW = ["{c}", "<results>", "$HOME;*", NOT_UTF8]


def test_few_names_of_data_and_model(place, tiny, tmp_path, tally):
    run = run_on(place, tiny, tmp_path, "--dry-run")
    try_names(FEW, REFUSED, run, tally, "odd names of data and model")


def test_a_changed_file_with_an_odd_name_is_noticed(place, tiny, tmp_path):
    run = run_on(place, tiny, tmp_path)
    assert run("{c}").returncode == 0
    own = tmp_path / "own.yaml"
    arguments = {"configfiles": (tiny / "config.yaml", own), "options": ("--dry-run",)}
    again = run_snakemake(tmp_path / "working", "results/models/fp32.onnx", **arguments)
    assert "Nothing to be done" in again.stdout
    model = tmp_path / "odd/{c}/model.onnx"
    content = model.read_bytes()
    model.unlink()  # a link to the one of other tests
    model.write_bytes(content)
    os.utime(model, ns=(1, 1))
    again = run_snakemake(tmp_path / "working", "results/models/fp32.onnx", **arguments)
    assert "rule prepare_model" in again.stdout and "rule prepare_dataset" not in again.stdout


@pytest.mark.soak
def test_names_of_data_and_model(place, tiny, tmp_path, tally):
    run = run_on(place, tiny, tmp_path)
    try_names(NAMES, REFUSED, run, tally, "odd names of data and model")


@pytest.mark.soak
def test_names_of_the_working_folder(tiny, tmp_path, tally):
    def run(name):
        target = "results/dataset/dataset.json"
        return run_snakemake(tmp_path / name, target, configfiles=(tiny / "config.yaml",))

    try_names(NAMES, refused_folders("{}"), run, tally, "odd names of the working folder")


def copy_of_repository(folder):
    return copy_repository(folder, "tests", "docs")


def run_from(tiny, tmp_path, *options):
    """Return a function that runs the workflow from a repository in a folder of that name."""

    def run(name):
        repository = copy_of_repository(tmp_path / "odd" / name / "repository")
        working = tmp_path / "working"
        shutil.rmtree(working, ignore_errors=True)
        return run_snakemake(
            working,
            "results/models/fp32.onnx",
            configfiles=(tiny / "config.yaml", overlay(tmp_path / "b.yaml", BUNDLED)),
            options=options,
            repository=repository,
        )

    return run


BUNDLED = {"dataset": {"name": "shapes", "path": None}, "model": {"source": "bundled"}}


def test_few_names_of_the_repository(tiny, tmp_path, tally):
    run = run_from(tiny, tmp_path, "--dry-run")
    try_names(
        ["{c}", " two 'words' "], refused_folders("{}<>"), run, tally, "odd names of the repository"
    )


@pytest.mark.soak
def test_names_of_the_repository(tiny, tmp_path, tally):
    run = run_from(tiny, tmp_path)
    try_names(NAMES, refused_folders("{}<>"), run, tally, "odd names of the repository")


TENSORS = ["file", "a\0b/..{c}", '$\\frac{ |<b>,"\n', "x" * 3000]


@pytest.mark.soak
def test_names_of_tensors_and_nodes(tiny, tmp_path, tally):
    """Through everything that a run may make."""

    def run(prefix):
        folder = tmp_path / str(TENSORS.index(prefix))
        folder.mkdir()
        model = make_outlier_classifier()
        own = {"image": prefix, "scores": f"{prefix} scores"}
        for node in model.graph.node:
            node.name = prefix + node.name
            node.input[:] = [own.get(name, prefix + name) for name in node.input]
            node.output[:] = [own.get(name, prefix + name) for name in node.output]
        for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
            value.name = own.get(value.name, prefix + value.name)
        onnx.save(model, folder / "outlier.onnx")
        files = recipe_files(folder, tiny)
        return run_snakemake(folder, "all", "recommend", "sensitivity", configfiles=files)

    try_names(TENSORS, {}, run, tally, "odd names of tensors and nodes")
    for figure in tmp_path.glob("*/results/figures/*.svg"):
        ElementTree.parse(figure)
