"""The table of the peers in docs/comparison.md: rows are kept, replaced, and told in words."""

import importlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import REPOSITORY

IDENTITY = {
    "images": 1017,
    "calibration_images": 1000,
    "model_sha256": "a",
    "calibration_sha256": "b",
    "test_sha256": "c",
}
ORDER = ["this workflow", "Quark", "LiteRT"]
PAGE = "# Page\n\n{begin}\nold\n{end}\n\nThe end.\n"
REQUIREMENTS = sorted((REPOSITORY / "benchmarks/peers").glob("requirements-*.txt"))


def load(name):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(REPOSITORY)
        return importlib.import_module(f"benchmarks.peers.{name}")


@pytest.fixture(scope="module")
def table():
    return load("table")


@pytest.fixture(scope="module")
def inside():
    return load("inside")


def row(tool, variant="int8", **values):
    return {
        "tool": tool,
        "version": "1.2",
        "variant": variant,
        "date": "2026-11-28",
        "cpu": "a CPU, without VNNI",
        "top1": 0.875,
        "delta_pp": -0.5,
        "delta_ci95_pp": [-1.25, 0.1],
        "agreement": 0.971,
        "agreement_ci95": [0.958, 0.98],
        "bytes": 95_904,
        "speedup": 1.5,
        "speedup_ci95": [1.45, 1.56],
    } | values


def failed(tool, error):
    complete = row(tool, "")
    return {key: complete[key] for key in ("tool", "version", "variant", "date", "cpu")} | {
        "error": error
    }


def cells(text):
    """Return the cells of each row below the heads of all tables."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [cells for cells in rows if cells[0] not in ("tool", "---")]


def test_new_rows_replace_those_of_their_tool_alone(table):
    tables = table.merge(
        {}, "net", IDENTITY, [row("LiteRT"), row("Quark"), row("Quark", "b")], ORDER
    )
    tables = table.merge(tables, "other", IDENTITY, [row("Quark")], ORDER)
    tables = table.merge(tables, "net", IDENTITY, [row("this workflow")], ORDER)
    tables = table.merge(tables, "net", IDENTITY, [row("Quark", "c", speedup=2.0)], ORDER)
    found = [(row["tool"], row["variant"]) for row in tables["net"]["rows"]]
    assert found == [("this workflow", "int8"), ("Quark", "c"), ("LiteRT", "int8")]
    assert tables["net"]["rows"][1]["speedup"] == 2.0
    assert list(tables) == ["net", "other"] and len(tables["other"]["rows"]) == 1


@pytest.mark.parametrize("key", list(IDENTITY))
def test_rows_of_other_images_or_models_are_not_mixed(table, key):
    tables = table.merge({}, "net", IDENTITY, [row("Quark"), row("LiteRT")], ORDER)
    other = {**IDENTITY, key: "another"}
    with pytest.raises(ValueError, match=r"'net' is of another .* \(Quark\); measure all"):
        table.merge(tables, "net", other, [row("LiteRT")], ORDER)
    replaced = table.merge(tables, "net", other, [row("LiteRT"), row("Quark")], ORDER)
    assert replaced["net"][key] == "another"


def test_what_was_measured_is_in_the_table(table):
    fp32 = row("this workflow", "float32", speedup=1.0, speedup_ci95=[1.0, 1.0])
    rows = [fp32, row("Quark"), failed("LiteRT", "a | b < c")]
    rows[1] |= {"date": "2026-12-01", "speedup_ci95": [1.1, 1.9]}
    text = table.markdown(table.merge({}, "net", IDENTITY, rows, ORDER))
    assert cells(text) == [
        ["this workflow", "1.2", "float32", "", "87.50 %", "96", "1.00"],
        [
            *("Quark", "1.2", "int8", "97.1 % (95.8 to 98.0)", "-0.50 (-1.25 to +0.10)"),
            *("96", "1.50 (1.10 to 1.90) *"),
        ],
        ["LiteRT", "1.2", "", r"not run: a \| b &lt; c", "", "", ""],
    ]
    assert "1,017 test images, 1,000 calibration images." in text
    assert "`*`: other load disturbed" in text
    assert "Measured on 2026-12-01, a CPU, without VNNI: Quark.\n" in text
    assert "Measured on 2026-11-28, a CPU, without VNNI: this workflow, LiteRT." in text


def test_a_calm_table_has_no_mark(table):
    assert "*" not in table.markdown(table.merge({}, "net", IDENTITY, [row("Quark")], ORDER))


def test_files_are_written_and_read_again(table, tmp_path):
    rows, page = tmp_path / "results.json", tmp_path / "page.md"
    page.write_text(PAGE.format(begin=table.BEGIN, end=table.END))
    assert table.read_tables(rows) == {}
    tables = table.merge({}, "net", IDENTITY, [row("Quark")], ORDER)
    table.write_tables(tables, rows, page)
    assert table.read_tables(rows) == tables
    first = page.read_text()
    assert first.startswith(f"# Page\n\n{table.BEGIN}\n\n### net\n") and "old" not in first
    assert first.endswith(f"\n\n{table.END}\n\nThe end.\n")
    table.write_tables(tables, rows, page)
    assert page.read_text() == first


@pytest.mark.parametrize(
    "text",
    ["", "{begin}", "{end} {begin}", "{begin} {end} {end}", "{begin} {begin} {end}"],
)
def test_nothing_is_written_without_the_markers(table, tmp_path, text):
    rows, page = tmp_path / "results.json", tmp_path / "page.md"
    before = text.format(begin=table.BEGIN, end=table.END)
    page.write_text(before)
    with pytest.raises(ValueError, match="must be on the page, once each"):
        table.write_tables({}, rows, page)
    assert page.read_text() == before and not rows.exists()


def test_the_page_has_the_rows_that_are_stored(table):
    """An edit by hand, or rows without a table."""
    tables = table.read_tables(REPOSITORY / "benchmarks/peers/results.json")
    text = (REPOSITORY / "docs/comparison.md").read_text()
    assert tables and table.between_markers(text, table.markdown(tables)) == text
    assert not any("onnx" in row for stored in tables.values() for row in stored["rows"])  # a path


def test_a_peer_that_fails_leaves_its_reason_beside_the_others(inside, tmp_path):
    np.save(tmp_path / "calibration.npy", np.ones((3, 2, 2, 1), np.float32))
    model = tmp_path / "model.onnx"
    model.write_text("float32")
    settings = {"model": str(model), "keras": None, "input": "images", "batch": 2}
    settings["calibration"] = str(tmp_path / "calibration.npy")

    def make(given, path):
        sizes = [len(batch["images"]) for batch in given.batches(given.batch)]
        path.write_text(f"{given.model.read_text()} {sizes}")
        given.model.write_text("changed in place")

    def fail(given, path):
        raise LookupError("no\nsuch   thing")

    variants = [
        inside.Variant(name, f"{name}.onnx", function)
        for name, function in (("good", make), ("bad", fail), ("again", make))
    ]
    inside.quantize("numpy", variants, settings, tmp_path)
    made = json.loads((tmp_path / "made.json").read_text())
    assert made["version"] == np.__version__
    assert [row["error"] for row in made["models"]] == [None, "LookupError: no such thing", None]
    for name in ("good", "again"):
        assert (tmp_path / f"{name}.onnx").read_text() == "float32 [2, 1]"
    assert model.read_text() == "float32"
    assert not (tmp_path / "bad.onnx").exists()


def test_a_peer_that_is_not_installed_is_one_line(tmp_path):
    """Its program ends with a traceback, which the log keeps."""
    environments = load("environments")
    (tmp_path / "given").mkdir()
    np.save(tmp_path / "calibration.npy", np.ones((1, 2, 2, 1), np.float32))
    settings = {"model": "model.onnx", "keras": None, "input": "images", "batch": 1}
    settings["calibration"] = str(tmp_path / "calibration.npy")
    (tmp_path / "given/given.json").write_text(json.dumps(settings))
    with pytest.raises(environments.PeerError, match=r"PackageNotFoundError.*amd-quark"):
        environments.run_inside(Path(sys.executable), "quark", "quantize", tmp_path / "quark")
    assert "Traceback" in (tmp_path / "quark/quantize.log").read_text()
    assert not (tmp_path / "quark/made.json").exists()


@pytest.mark.parametrize(
    ("before", "interval", "kept"),
    [
        (None, (1.0, 3.0), (1.0, 3.0)),
        ((1.9, 2.1), (1.95, 2.05), (1.9, 2.1)),  # not disturbed: the first one stands
        ((1.0, 3.0), (1.7, 2.3), (1.7, 2.3)),
        ((1.5, 2.5), (1.0, 3.0), (1.5, 2.5)),
    ],
)
def test_a_disturbed_speed_gives_way_to_a_calmer_one(before, interval, kept):
    found = {} if before is None else {"speedup": 2.0, "speedup_ci95": list(before)}
    found |= load("measuring").calmer(found, 2.0, interval)
    assert found == {"speedup": 2.0, "speedup_ci95": list(kept)}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.stem)
def test_each_peer_has_exact_versions_and_a_module(path):
    lines = path.read_text().split()
    assert lines and all(re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+", line) for line in lines)
    assert path.with_name(path.stem.removeprefix("requirements-") + ".py").is_file()
