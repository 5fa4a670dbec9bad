"""`snakemake ort_models`: files, table, and a model that cannot be converted."""

import csv
import json
import zipfile

import onnxruntime
from helpers import overlay, run_snakemake
from helpers.shared_runs import copy_run

SAME = ("models/int8.ort", "models/required_operators.config", "ort_models.csv", "ort_models.html")


def rows(folder):
    with (folder / "results/ort_models.csv").open() as file:
        return {row["model"]: row for row in csv.DictReader(file)}


def test_all_models_are_converted_and_compared(tiny, tiny_run, tmp_path):
    folder = copy_run(tiny_run, tmp_path / "run")
    files = (tiny / "config.yaml",)
    result = run_snakemake(folder, "ort_models", configfiles=files)
    assert result.returncode == 0, result.stdout
    assert set(rows(folder)) == {"fp32", "int8", "uint8"}
    for name, row in rows(folder).items():
        file = folder / f"results/models/{name}.ort"
        onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        assert int(row["bytes_ort"]) == file.stat().st_size and row["reason"] == ""
        assert int(row["changed_predictions"]) == 0 and int(row["images"]) == 151
    page = (folder / "results/ort_models.html").read_text()
    assert "3 of 3 models are in ORT format, and predict on 151 test images as" in page
    before = [(folder / "results" / path).read_bytes() for path in SAME]
    # A rerun writes the same bytes.
    options = ("--forcerun", "convert_to_ort")
    again = run_snakemake(folder, "ort_models", configfiles=files, options=options)
    assert again.returncode == 0, again.stdout
    assert [(folder / "results" / path).read_bytes() for path in SAME] == before


def test_a_model_that_cannot_be_converted_is_a_row(tiny, tiny_run, tmp_path):
    folder = copy_run(tiny_run, tmp_path / "run")
    files = (tiny / "config.yaml",)
    reason = "onnxruntime cannot"
    converted = "results/models/int8.ort"
    options = ("--until", "convert_to_ort")
    assert run_snakemake(folder, "ort_models", configfiles=files, options=options).returncode == 0
    (folder / converted).write_text(json.dumps({"not_made": reason}) + "\n")
    result = run_snakemake(folder, "ort_models", configfiles=files)
    assert result.returncode == 0, result.stdout
    assert rows(folder)["int8"]["reason"] == reason and rows(folder)["int8"]["bytes_ort"] == ""
    assert rows(folder)["uint8"]["reason"] == ""
    assert "2 of 3 models are in ORT format" in (folder / "results/ort_models.md").read_text()
    config = (folder / "results/models/required_operators.config").read_text()
    assert "int8.ort" not in config.replace("uint8.ort", "")
    # The bundle for devices goes without that one.
    formats = overlay(tmp_path / "formats.yaml", {"device": {"formats": ["onnx", "ort"]}})
    target = "results/device_bundle.zip"
    result = run_snakemake(folder, target, configfiles=(*files, formats))
    assert result.returncode == 0, result.stdout
    with zipfile.ZipFile(folder / target) as archive:
        twins = [name for name in archive.namelist() if name.endswith(".ort")]
    assert twins == [f"device_bundle/models/{name}.ort" for name in ("fp32", "uint8")]
