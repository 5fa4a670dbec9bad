"""Devices bring their measurements back: tables, verdicts, and a recipe for one of them."""

import csv
import json
import re
import shutil

import pytest
from helpers import overlay, run_snakemake
from helpers.devices import device_content, write_device
from helpers.shared_runs import copy_run, made_once

FASTEST = "gptq"  # of the recipes, on the device
SPEEDS = {"int8": 2.1, "uint8": 1.9, "recipes/int8": 2.1, f"recipes/{FASTEST}": 5.0}
EMULATED = "qemu-aarch64 10.0 as cortex-a72"


@pytest.fixture(scope="module")
def start(tiny, recipes_run):
    """Return a function that goes on with a copy of the run with recipes."""

    def function(folder, *targets, **settings):
        settings = {
            "device": {"images": 60, "recipes": "all"},
            "acceptance": {"max_drop_pp": 100.0},  # the model has a bad node
            **settings,
        }
        more = overlay(folder / "more.yaml", settings)
        files = (tiny / "config.yaml", recipes_run / "own.yaml", more)
        return run_snakemake(folder, *targets, configfiles=files)

    return function


@pytest.fixture(scope="module")
def bundled(recipes_run, start, tmp_path_factory):
    """The run with recipes, with a bundle that holds them all."""

    def make(folder):
        copy_run(recipes_run, folder)
        result = start(folder, "all", "device_bundle")
        assert result.returncode == 0, result.stdout

    return made_once(tmp_path_factory, "bundled", make)


@pytest.fixture
def run(bundled, tmp_path):
    return copy_run(bundled, tmp_path / "run")


def bring(run, folder="devices", **options):
    """Put what a device has measured into the results."""
    content = device_content(run / "results/device", **options)
    return write_device(run / "results" / folder, content)


def test_without_a_device_one_line_tells_how_to_get_one(run, start):
    result = start(run, "devices")
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "snakemake device_bundle" in line and "docs/devices.md" in line
    assert not (run / "results/devices.csv").exists()


def test_devices_are_compared_and_leave_no_trace_when_they_go(run, start):
    results = run / "results"
    before = {
        path.name: path.read_bytes()
        for path in (*results.glob("comparison.*"), results / "verdict.txt")
    }
    assert len(before) == 5
    pi5 = bring(run, name="pi5", speeds=SPEEDS)
    bring(run, "emulated", name="cortex_a72", emulated=EMULATED, changed={"int8": 2})
    bring(
        run, name="old", failed={"int8": "Unsupported model IR version: 10"}, saturated={"uint8": 9}
    )
    own = run / "own" / pi5.name
    own.parent.mkdir()
    shutil.move(pi5, own)
    result = start(run, "all", devices=[str(own)])
    assert result.returncode == 0, result.stdout
    rows = list(csv.DictReader((results / "devices.csv").open()))
    names = [
        model["name"]
        for model in json.loads((results / "device/bundle.json").read_text())["models"]
    ]
    assert f"recipes/{FASTEST}" in names
    assert [(row["device"], row["model"]) for row in rows] == [
        (device, name) for device in ("pi5", "old", "cortex_a72") for name in names
    ]
    figure = (results / "figures/devices.svg").read_text()
    assert "aria-label" in figure and "pi5" in figure
    verdict = (results / "verdict.txt").read_text()
    assert verdict.startswith(before["verdict.txt"].decode())
    for text in (verdict, *((results / f"devices.{kind}").read_text() for kind in ("md", "html"))):
        assert re.search(r"On pi5 ship int8(, as on this machine)?: 2\.1\d times as fast", text)
        assert "Warning: int8 does not run on old: Unsupported model IR version: 10" in text
        assert "of the predictions of uint8" in text and "on old (Cortex-A76)" in text
        assert f"cortex_a72: emulated, no times ({EMULATED})" in text
        assert "int8 on 2 (" in text
    assert "On pi5 ship int8" in " ".join(result.stderr.split())
    header = (results / "comparison.csv").read_text().splitlines()[0]
    assert header.count("speedup_pi5") == 3 and "cortex_a72" not in header
    # Without them, everything is as it was.
    shutil.rmtree(results / "devices")
    shutil.rmtree(results / "emulated")
    result = start(run, "all")
    assert result.returncode == 0, result.stdout
    after = {name: (results / name).read_bytes() for name in before}
    assert after == before


def test_the_speed_of_a_device_chooses_the_recipe(run, start):
    """There, the recipe auto is too slow, which agrees best and is chosen on this machine."""
    bring(run, name="pi5", speeds=SPEEDS)
    before = json.loads((run / "results/sweep/selection.json").read_text())
    assert before["recipe"] == "auto" and "device" not in before
    result = start(run, "recommend", recommend={"device": "pi5", "min_speedup": 4.0})
    assert result.returncode == 0, result.stdout
    results = run / "results"
    selection = json.loads((results / "sweep/selection.json").read_text())
    assert selection["recipe"] == FASTEST
    assert selection["validation"]["speedup"] == pytest.approx(5.0, abs=0.1)
    content = json.loads((results / "recommendation.json").read_text())
    assert content["device"]["name"] == "pi5" and content["device"]["batch_size"] == 4
    there = re.compile(r"On pi5, for which it was chosen: [45]\.\d\d times the speed \(")
    here = re.compile(r"times the speed on this machine \(1 thread, batch 4\)")
    assert there.search(content["summary"]) and here.search(content["summary"])
    assert "Speeds are those of pi5 (Cortex-A76; 1 thread, batch 4)" in content["reason"]
    for name in ("recommendation.md", "recommendation.html", "models/README.md"):
        assert there.search((results / name).read_text())
    lines = (results / "recommendation.txt").read_text().splitlines()
    assert any(re.search(r"there +[45]\.\d\d times float32 on pi5", line) for line in lines)
    assert len(lines) <= 12 and max(map(len, lines)) <= 79
    assert "speed on pi5" in (results / "recommendation.md").read_text()


@pytest.mark.parametrize(
    ("device", "options", "said"),
    [
        ("pi4", {}, "there is no device pi4; allowed: pi5, null"),
        ("pi5", {"emulated": EMULATED}, "is emulated (qemu-aarch64"),
        ("pi5", {"models": ("fp32", "int8")}, "has no recipes; make the bundle again with device."),
    ],
)
def test_a_device_that_cannot_choose_ends_the_run_before_it_starts(
    run, start, device, options, said
):
    models = options.pop("models", None)
    path = bring(run, name="pi5", **options)
    if models:
        content = json.loads(path.read_text())
        content["models"] = [row for row in content["models"] if row["name"] in models]
        path.write_text(json.dumps(content))
    result = start(run, "recommend", recommend={"device": device})
    assert result.returncode == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "recommend.device: " in lines[0] and said in lines[0]
    assert "rule " not in result.stdout


def truncate(path):
    path.write_text(path.read_text()[:-100])


def edit(*keys, value):
    def change(path):
        content = json.loads(path.read_text())
        place = content
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        path.write_text(json.dumps(content))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (truncate, "is no whole JSON"),
        (edit("models", 1, "accuracy", value=0.999), "models.int8.accuracy is 0.999, but "),
        (edit("models", 1, "sha256", value="0" * 64), "the SHA-256 of int8 differs"),
    ],
)
def test_a_bad_file_ends_in_one_line_and_no_table(run, start, change, said):
    change(bring(run, name="pi5"))
    result = start(run, "devices")
    assert result.returncode == 1
    lines = {line for line in result.stderr.splitlines() if line.startswith("error: ")}
    (line,) = lines
    assert line.startswith("error: gather_devices: results/devices/device_pi5.json: ")
    assert said in line
    assert not (run / "results/devices.csv").exists()


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        (["none/device_pi5.json"], "devices: none/device_pi5.json: no such file; correct the path"),
        (["other/device_pi5.json"], "are both of pi5; remove one of them"),
    ],
)
def test_a_wrong_list_of_devices_is_refused(run, start, devices, said):
    bring(run, name="pi5")
    (run / "other").mkdir()
    shutil.copy(run / "results/devices/device_pi5.json", run / "other")
    result = start(run, "devices", devices=devices)
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert said in line
