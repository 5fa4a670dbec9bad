"""The commands and the YAML of README and docs, run as they stand there."""

import re
import shlex
import subprocess

import numpy as np
import onnx
import pytest
import yaml
from helpers import CLASSES, REPOSITORY, SHARED_DATA, make_images
from helpers.paths import copy_repository
from helpers.snakemake_runs import run_in
from PIL import Image
from ptq_comparison.datasets import shapes_generator

PAGES = [
    page
    for pattern in ("README.md", "CONTRIBUTING.md", "config/README.md", "docs/*.md")
    for page in sorted(str(path.relative_to(REPOSITORY)) for path in REPOSITORY.glob(pattern))
]
TEXT = {page: (REPOSITORY / page).read_text() for page in PAGES}
BLOCKS = [
    "\n".join(line[4:] for line in block.splitlines())
    for text in TEXT.values()
    for block in re.findall(r"(?:^    .*\n?|^\n)+", text, re.MULTILINE)
]
LINES = [
    line.split("then: ")[-1].split("  #")[0].strip()
    for block in BLOCKS
    for line in block.splitlines()
]
INLINE = [code for text in TEXT.values() for code in re.findall(r"`([^`\n]+)`", text)]
COMMANDS = sorted({line for line in LINES + INLINE if re.match(r"snakemake --\w+.* ", line)})
DOWNLOADS = "config/cifar10.yaml"  # only planned, but for the command that names your own data
# What these need is not to be had in a test.
SKIPPED = {
    "4 devices": "the file of a device",
    "my_device.yaml": "the file of a device",  # which test_gather_devices has
    "my_providers.yaml": "OpenVINO",  # which test_measure_provider runs
    "profiles/slurm": "a cluster",
    "--software-deployment-method": "conda",
}


def named_files():
    """Return the YAML that the docs tell to write, by the name in its first line."""
    files = {}
    for block in BLOCKS:
        match = re.match(r"\s*# (\w+\.yaml)", block)
        if match and yaml.safe_load(block):
            files.setdefault(match.group(1), block)
    return files


def test_there_are_commands_and_files():
    assert len(COMMANDS) >= 12, COMMANDS
    assert {"my_model.yaml", "my_paths.yaml", "recipe_u8s8.yaml"} <= set(named_files())


def write_small(folder):
    """Let the default compare its model on few of its images; test_default runs it as it is."""
    arrays = {"class_names": np.array(shapes_generator.CLASS_NAMES)}
    for split, stream, count in (("train", "calibration", 300), ("test", "test", 1000)):
        images, labels = shapes_generator.generate(stream, count)
        arrays |= {f"{split}_images": images, f"{split}_labels": labels}
    np.savez(folder / "few.npz", **arrays)
    small = {
        "dataset": {"name": "npz", "path": "few.npz"},
        "calibration": {"samples_per_class": 20, "seeds": 2},
        "latency": {"seconds": 0.05, "threads": [1], "batch_sizes": [1]},
        "sweep": {"seconds": 0.05},
    }
    path = folder / "config/config.yaml"
    config = yaml.safe_load(path.read_text())
    for section, changes in small.items():
        assert set(changes) <= set(config[section])
        config[section] |= changes
    path.write_text(yaml.safe_dump(config))


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the repository with the files that the docs speak of."""
    folder = tmp_path_factory.mktemp("docs") / "repository"
    copy_repository(folder)
    for name, content in named_files().items():
        (folder / name).write_text(content)
    # A dozen runs; test_default measures speed. The configuration of CIFAR-10 is merged over it.
    path = folder / "config/config.yaml"
    text = path.read_text()
    for measured, without in (
        ("measure: true", "measure: false"),
        ("speedup: 1.0", "speedup: null"),
    ):
        assert measured in text
        text = text.replace(measured, without)
    path.write_text(text)
    write_small(folder)
    # A few recipes instead of fifty; benchmarks.sweep runs them all.
    path = folder / "config/recipes.yaml"
    recipes = yaml.safe_load(path.read_text())["recipes"]
    few = {
        name: {
            option: value[:1] if isinstance(value, list) else value  # one recipe, not one a value
            for option, value in recipes[name].items()
        }
        for name in ("int8", "u8s8", "u8s8_gptq_percentile")
    }
    path.write_text(yaml.safe_dump({"recipes": few}, sort_keys=False))  # they make the names
    for split, count in (("train", 75), ("test", 40)):
        for number, (image, label) in enumerate(zip(*make_images(count, count), strict=True)):
            path = folder / "flowers" / split / CLASSES[label] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    # Class folders are sorted by name, the outputs of the model are red, green, blue.
    model = onnx.load(REPOSITORY / "tests/data/pytorch_nchw.onnx")
    order = np.argsort(CLASSES)
    for initializer in model.graph.initializer:
        array = onnx.numpy_helper.to_array(initializer)
        if initializer.name.startswith("5."):
            initializer.CopyFrom(onnx.numpy_helper.from_array(array[order], initializer.name))
    onnx.save(model, folder / "flowers.onnx")
    paths = yaml.safe_load((folder / "my_paths.yaml").read_text())
    if SHARED_DATA.is_dir():
        paths["dataset"]["path"] = str(SHARED_DATA / "cifar10-prefix")
        paths["model"]["source"] = str(SHARED_DATA / "models/resnet8.onnx")
    (folder / "my_paths.yaml").write_text(yaml.safe_dump(paths))
    return folder


def arguments_of(command):
    """Return what Snakemake is given, or skip a command that needs what tests do not have."""
    for part, reason in SKIPPED.items():
        if part in command:
            pytest.skip(f"needs {reason}")
    if "my_paths.yaml" in command and not SHARED_DATA.is_dir():
        pytest.skip("no real CIFAR-10 data")
    return shlex.split(command)[1:]


def without_report(arguments):
    """Return the arguments that make what a report is made of."""
    place = arguments.index("--report")
    # The name of the report follows, and then its targets.
    return [*arguments[:place], *arguments[place + 2 :]]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_planned(clone, command):
    arguments = arguments_of(command)
    if "--report" in arguments:
        arguments = ["--cores", "2", *without_report(arguments)]
    result = run_in(clone, *arguments, "--dry-run")
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_command(clone, command):
    arguments = arguments_of(command)
    if DOWNLOADS in command and "my_paths.yaml" not in command:
        arguments.append("--dry-run")
    if "--report" in arguments:
        run_in(clone, "--cores", "2", *without_report(arguments))
    result = run_in(clone, *arguments)
    assert result.returncode == 0, result.stdout


def test_make_targets_exist(clone):
    targets = {
        match
        for text in TEXT.values()
        for match in re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.MULTILINE)
    }
    assert {"run", "test", "reproduce", "convert"} <= targets
    for target in sorted(targets):
        result = subprocess.run(
            ["make", "--dry-run", target], cwd=clone, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT[page]):
        if not target.startswith("http"):
            assert (REPOSITORY / page).parent.joinpath(target).exists(), target
