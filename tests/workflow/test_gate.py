"""The targets `results/verification.json` and `gate`."""

import json

from helpers import overlay, run_snakemake
from helpers.shared_runs import copy_run


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

    small = overlay(tmp_path / "o.yaml", {"acceptance": {"min_size_reduction": None}})
    result = run_snakemake(tmp_path, "gate", configfiles=(*files, small))
    assert result.returncode == 0, result.stdout
    assert "Gate: 17 of 17 requirements hold." in result.stdout
    assert "rule predict" not in result.stdout  # only the verification is made again


def test_every_row_names_evidence_that_is_there(tiny_run):
    """Whoever distrusts a figure finds it in the file and under the key."""
    for row in json.loads((tiny_run / "results/verification.json").read_text()):
        file = tiny_run / row["evidence"]["file"]
        assert file.is_file()
        if row["evidence"]["key"]:
            value = json.loads(file.read_text())
            for part in row["evidence"]["key"].split("."):
                value = value[part]
            assert value == row["measured"]
