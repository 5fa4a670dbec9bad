"""The targets `results/verification.json` and `gate`."""

import json
import shutil

import numpy as np
from helpers import overlay, run_snakemake
from helpers.shared_runs import copy_run
from junitparser import JUnitXml

FREE = {"min_size_reduction": None}  # the model is tiny


def gate(folder, tiny, acceptance, environment=None, **settings):
    """Run the gate with other settings than the finished run had, and return its end."""
    own = overlay(folder / "o.yaml", {"acceptance": acceptance, **settings})
    files = (tiny / "config.yaml", own)
    return run_snakemake(folder, "gate", configfiles=files, environment=environment)


def error_of(result):
    """Return the one line of a gate that has failed."""
    assert result.returncode == 1, result.stdout
    (line,) = {line for line in result.stdout.splitlines() if line.startswith("error: gate:")}
    return line


def cases_of(folder):
    """Return the cases of the JUnit file, by name."""
    xml = JUnitXml.fromfile(folder / "results/verification.xml")
    return {case.name: case for suite in xml for case in suite}


def rows_of(folder):
    rows = json.loads((folder / "results/verification.json").read_text())
    return {row["id"]: row for row in rows}


def test_all_reports_and_gate_insists(tiny, tiny_run, tmp_path):
    """The tiny model is too small to shrink: `all` tells so and succeeds, `gate` fails."""
    files = (tiny / "config.yaml",)
    copy_run(tiny_run, tmp_path)
    rows = json.loads((tmp_path / "results/verification.json").read_text())
    failed = [row["id"] for row in rows if not row["passed"]]
    assert failed == ["size_int8", "size_uint8"]
    assert (
        f"Verification: {len(rows) - 2} of {len(rows)} requirements hold; not:"
        in (tmp_path / "output.txt").read_text()
    )
    markdown = (tmp_path / "results/verification.md").read_text()
    assert markdown.count("| FAIL |") == 2 and markdown.count("| pass |") == len(rows) - 2

    result = run_snakemake(tmp_path, "gate", configfiles=files)
    assert result.returncode != 0
    (line,) = {line for line in result.stdout.splitlines() if line.startswith("error: gate:")}
    assert "2 of 19 requirements do not hold: size_int8: " in line and "size_uint8: " in line
    assert "results/int8_eval.json model.bytes" in line
    # A gate that fails leaves the file that the pages of a CI show.
    cases = cases_of(tmp_path)
    assert {row["id"] for row in rows} <= set(cases)
    assert {name for name, case in cases.items() if case.is_failure} == set(failed)
    skipped = {name for name, case in cases.items() if case.is_skipped}
    assert skipped >= {"top1_int8", "speed_uint8", "earlier_fp32", "published_baseline"}
    assert set(cases) == {row["id"] for row in rows} | skipped

    result = gate(tmp_path, tiny, FREE)
    assert result.returncode == 0, result.stdout
    assert "Gate: 17 of 17 requirements hold. (2 of yours and 15 self checks)" in result.stdout
    assert not any(case.is_failure for case in cases_of(tmp_path).values())
    assert "rule predict" not in result.stdout  # only the verification is made again


def test_the_summary_of_a_step_gets_comparison_and_failures(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    summary = tmp_path / "summary.md"
    summary.write_text("# Before\n")
    environment = {"GITHUB_STEP_SUMMARY": str(summary)}
    assert "size_int8" in error_of(gate(tmp_path, tiny, {}, environment))
    comparison = (tmp_path / "results/comparison.md").read_text()
    text = summary.read_text()
    assert text.startswith(f"# Before\n{comparison}")
    assert text.count(comparison) == 1 and text.count("| FAIL |") == 2
    # The next gate that passes adds to it.
    assert gate(tmp_path, tiny, FREE, environment).returncode == 0
    added = summary.read_text().removeprefix(text)
    assert added.count(comparison) == 1 and "17 of 17 requirements hold." in added
    assert "FAIL" not in added


def test_a_summary_that_cannot_be_written_is_a_line(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    result = gate(tmp_path, tiny, FREE, {"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert result.returncode == 0 and "Traceback" not in result.stdout
    line = f"warning: gate: GITHUB_STEP_SUMMARY: {tmp_path}: cannot be written (Is a directory)"
    assert result.stdout.count(line) == 1


def test_by_interval_the_lower_end_has_to_hold(tiny, tiny_run, tmp_path):
    """Limits that the measured values just keep to."""
    copy_run(tiny_run, tmp_path)
    measured = [
        json.loads((tiny_run / f"results/{name}_eval.json").read_text())["baseline"]
        for name in ("int8", "uint8")
    ]
    limits = {
        **FREE,
        "max_drop_pp": max(0.0, *(-baseline["delta_pp"] for baseline in measured)),
        "min_agreement": min(baseline["agreement"] for baseline in measured),
    }
    result = gate(tmp_path, tiny, limits)
    assert result.returncode == 0, result.stdout
    line = error_of(gate(tmp_path, tiny, {**limits, "by": "interval"}))
    assert "4 of 19 requirements do not hold: drop_int8: int8 loses at most " in line
    assert "; more test images narrow an interval (log: " in line
    rows = rows_of(tmp_path)
    for name, baseline in zip(("int8", "uint8"), measured, strict=True):
        assert rows[f"drop_{name}"]["measured"] == baseline["delta_ci95_pp"]
        assert rows[f"agreement_{name}"]["measured"] == baseline["agreement_ci95"]


def test_speed_is_measured_where_it_is_asked_for(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    latency = {"measure": True, "seconds": 0.1, "threads": [1], "batch_sizes": [1]}
    result = gate(tmp_path, tiny, FREE, latency=latency)
    assert result.returncode == 0 and "rule measure_latency" not in result.stdout
    result = gate(tmp_path, tiny, {**FREE, "min_speedup": 0.001}, latency=latency)
    assert result.returncode == 0, result.stdout
    assert "rule measure_latency" in result.stdout
    latency_rows = json.loads((tmp_path / "results/latency.json").read_text())["measurements"]
    speeds = {row["model"]: row["speedup"] for row in latency_rows}
    assert rows_of(tmp_path)["speed_int8"]["measured"] == speeds["int8"]
    line = error_of(gate(tmp_path, tiny, {**FREE, "min_speedup": 1000}, latency=latency))
    assert "speed_int8: int8 has at least 1000 times the speed of float32" in line


def test_no_model_may_be_worse_than_in_an_earlier_run(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    last = tmp_path / "last {release}"  # no wildcard
    shutil.copytree(tiny_run / "results", last)
    asked = {**FREE, "compare_to": last.name}
    result = gate(tmp_path, tiny, asked)
    assert result.returncode == 0, result.stdout
    rows = rows_of(tmp_path)
    for model in ("fp32", "int8", "uint8"):
        assert rows[f"earlier_{model}"]["measured"] == {
            "comparison": "paired", "delta_pp": 0.0, "fixed": 0, "broken": 0, "mcnemar_p": 1.0,
        }  # fmt: skip

    # An earlier model that got eight images right that this one gets wrong; its change is seen.
    make_worse(tmp_path / "results", last, images=8)
    line = error_of(gate(tmp_path, tiny, asked))
    assert "1 of 20 requirements do not hold: earlier_int8: int8 is no less accurate than" in line
    assert "fixed 0, broken 8" in line
    assert cases_of(tmp_path)["earlier_int8"].is_failure

    (last / "int8_eval.json").unlink()
    assert gate(tmp_path, tiny, asked).returncode == 0
    assert cases_of(tmp_path)["earlier_int8"].is_skipped


def make_worse(results, last, images):
    """Let the int8 model of a finished run get images wrong that the earlier one has right."""
    for folder, wrong in ((last, 0), (results, images)):
        path = folder / "predictions/int8.npz"
        with np.load(path) as arrays:
            content = dict(arrays)
        labels = content["labels"]
        content["predicted"] = labels.copy()
        content["predicted"][:wrong] = (labels[:wrong] + 1) % 3
        np.savez(path, **content)
        path = folder / "int8_eval.json"
        evaluation = json.loads(path.read_text())
        evaluation["accuracy"]["correct"] = len(labels) - wrong
        path.write_text(json.dumps(evaluation))


def test_every_row_names_evidence_that_is_there(tiny_run):
    """Whoever distrusts a figure finds it in the file and under the key."""
    for row in json.loads((tiny_run / "results/verification.json").read_text()):
        file = tiny_run / row["evidence"]["file"]
        assert file.is_file()
        if row["evidence"]["key"]:
            value = json.loads(file.read_text())
            for part in row["evidence"]["key"].split("."):
                value = value[int(part) if isinstance(value, list) else part]
            assert value == row["measured"]
