"""Rule compare: one row a model, for programs and for people."""

import csv
import html
import io

import numpy as np
import pandas as pd
import pytest
from helpers import score_metrics
from ptq_comparison.common.texts import plain_markdown
from ptq_comparison.report import columns
from ptq_comparison.report.cells import COMBINED
from ptq_comparison.report.columns import narrow_table
from ptq_comparison.report.comparison import (
    compare,
    comparison_table,
    main_table,
    more_table,
    speed_table,
    to_markdown,
    to_summary,
)
from ptq_comparison.report.comparison_notes import (
    calibration_errors,
    describe_run,
    disturbance_notes,
    float_notes,
    pixel_notes,
    saturation_warnings,
)
from ptq_comparison.report.terminal_table import terminal_table
from ptq_comparison.report.verdict import headline_speeds

COLUMNS = [
    "model",
    "top1",
    "correct",
    "total",
    "delta_pp",
    "delta_ci95_low_pp",
    "delta_ci95_high_pp",
    "agreement",
    "mcnemar_p",
    "bytes",
    "size_ratio",
    "nodes",
    "integer_nodes",
    "saturation_changed",
    "saturation_pp",
    "speedup",
    "speedup_ci95_low",
    "speedup_ci95_high",
    "top5",
    "present_top1",
    "precision",
    "recall",
    "f1",
    "auc",
    "ece",
    "ece_delta_pp",
    "ties",
]


def make_evaluation(name, correct, size, baseline=None):
    calibration = {"method": "MinMax", "images": 1000, "per_class": 100, "seed": 42}
    calibration["provenance"] = {}
    return {
        "model": {"name": name, "bytes": size, "nodes": 39},
        "dataset": {"name": "shapes", "description": "synthetic <images>", "images": 10000},
        "accuracy": {"correct": correct, "total": 10000, "top1": correct / 1e4, "ci95": [0.8, 0.9]},
        "baseline": baseline,
        **score_metrics(is_float=baseline is None),
        "calibration": calibration if baseline else None,
        "executed": {"integer_nodes": 21 if baseline else 0, "layers": {}},
        "saturation": SATURATION if baseline else None,
        "runtime": {"onnxruntime": "1.32.0", "cpu": "CPU", "isa": ["avx2"]},
    }


SATURATION = {
    "checked": True,
    "cannot": None,
    "refused": None,
    "saturating_operators": ["Conv 'a'", "Conv 'b'"],
    "changed": 0.0334,
    "delta_pp": -1.18,
}
BASELINE = {
    "delta_pp": -1.61,
    "delta_ci95_pp": [-2.0, -1.25],
    "agreement": 0.95,
    "mcnemar_p": 3.2e-12,
}
EVALUATIONS = [
    make_evaluation("fp32", 8719, 321606),
    make_evaluation("int8", 8558, 125516, BASELINE),
]


RIGHT = {"fp32": np.arange(10000) < 8719, "int8": np.arange(10000) < 8558}


def csv_rows(text):
    return csv.DictReader(io.StringIO(text))


def make_row(model, threads, batch_size, speedup):
    return {
        "model": model,
        "threads": threads,
        "batch_size": batch_size,
        "median_ms": 0.125,
        "p90_ms": 0.25,
        "p99_ms": 0.5,
        "images_per_second": 8000.0,
        "speedup": speedup,
        # That of float32 against itself has no width.
        "speedup_ci95": [1.0, 1.0] if model == "fp32" else [speedup - 0.01, speedup + 0.02],
        "session_start_ms": 5.25,
        "peak_memory_bytes": 3 * 2**20,
    }


LATENCY = {
    "measurements": [
        make_row(model, threads, size, speedup)
        for threads in (1, 2)
        for size in (1, 32)
        for model, speedup in (("fp32", 1.0), ("int8", 0.7 + threads / 100 + size))
    ]
}
SPEEDS = headline_speeds(LATENCY)
SPEED = "<caption>Speed by threads and batch size</caption>"


def test_the_files_of_a_comparison_agree():
    comparison = compare(EVALUATIONS, RIGHT, LATENCY, 3.0, 0.01, None)
    assert comparison.csv == comparison_table(EVALUATIONS, SPEEDS).to_csv(index=False)
    verdict = " ".join(comparison.verdict.splitlines())
    assert verdict.startswith("Ship int8: it keeps 98.2 % of the float32 accuracy")
    assert comparison.markdown.splitlines()[2] == plain_markdown(verdict)
    assert comparison.summary.startswith(terminal_table(list(csv_rows(comparison.csv))))
    notes = saturation_warnings(EVALUATIONS, 0.01) + describe_run(EVALUATIONS, SPEEDS, None)
    assert comparison.markdown.endswith(
        "\n".join(f"- {plain_markdown(note)}" for note in notes) + "\n"
    )
    for line in comparison.verdict.splitlines():
        assert f">{html.escape(line)}</p>" in comparison.html
    assert SPEED in comparison.html
    without = compare(EVALUATIONS, RIGHT, None, 3.0, 0.01, None)
    assert SPEED not in without.html and "Speed" not in without.markdown


def test_the_first_page_of_the_report_shows_verdict_and_table():
    wide = {"speedup": 1.7, "speedup_ci95": [1.2, 2.2]}
    disturbed = {"measurements": [{**row, **wide} for row in LATENCY["measurements"][:2]]}
    for latency, speed, mark in (
        (LATENCY, True, False),
        (None, False, False),
        (disturbed, True, True),
    ):
        comparison = compare(EVALUATIONS, RIGHT, latency, 3.0, 0.01, None)
        landing = comparison.landing
        first, *_ = comparison.verdict.splitlines()
        assert landing.startswith(f'<p class="verdict">{html.escape(first)}</p>\n')
        assert "<caption>Accuracy, size and speed</caption>" in landing
        assert ("speed as a multiple" in landing) == (">speed<" in landing) == speed
        assert ("* disturbed" in landing) == mark
        assert "<script" not in landing


PAGES = (
    "COMPARISON_MAIN",
    "COMPARISON_MORE",
    "SWEEP_MAIN",
    "SWEEP_MORE",
    "FRONT_PAGE",
    "LATENCY_PAGE",
)


@pytest.mark.parametrize("name", PAGES)
def test_every_column_of_a_page_has_a_heading_of_its_own(name):
    keys = getattr(columns, name)
    headings = [
        COMBINED[key].heading if key in COMBINED else columns.COLUMNS[key].heading for key in keys
    ]
    assert all(headings) and len(set(headings)) == len(headings)


def test_csv_has_the_columns_of_the_contract_in_full_precision():
    text = comparison_table(EVALUATIONS, SPEEDS).to_csv(index=False)
    table = pd.read_csv(io.StringIO(text), index_col="model")
    assert text.splitlines()[0].split(",") == COLUMNS
    assert table.loc["int8", "delta_pp"] == -1.61
    assert table.loc["int8", "delta_ci95_high_pp"] == -1.25
    assert table.loc["int8", "size_ratio"] == pytest.approx(125516 / 321606, rel=1e-12)
    assert table.loc["int8", "mcnemar_p"] == 3.2e-12
    assert table.loc["fp32", "correct"] == 8719
    assert table.loc["int8", ["ece", "ece_delta_pp"]].tolist() == [0.0312, 0.25]
    assert table["top5"].isna().all() and table["auc"].isna().all()
    assert table.loc["int8", "saturation_changed"] == 0.0334
    assert table.loc["int8", "saturation_pp"] == -1.18
    assert table.loc["fp32", ["saturation_changed", "saturation_pp"]].isna().all()
    assert table.loc["int8", "speedup"] == 1.71
    assert table.loc["int8", ["speedup_ci95_low", "speedup_ci95_high"]].tolist() == [1.7, 1.73]
    assert table.loc["fp32", ["delta_pp", "agreement", "mcnemar_p"]].isna().all()


def test_a_summary_of_many_models_fits_one_screen():
    evaluations = [EVALUATIONS[0]] + [
        make_evaluation(f"m{number}", 8558, 125516, BASELINE) for number in range(40)
    ]
    table = comparison_table(evaluations, {})
    lines = to_summary(table, "m33", ["Ship m33."]).splitlines()
    assert [line.split()[0] for line in lines[2:-2]] == [
        "fp32", *(f"m{number}" for number in range(9)), "m33", "and",
    ]  # fmt: skip
    assert lines[-3:] == ["and 30 more in results/comparison.md", "", "Ship m33."]
    none = to_summary(table[:10], None, ["Ship none of them."])
    assert " more in " not in none and len(none.splitlines()) == 14


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_markdown_shows_percent_signs_and_intervals():
    table = comparison_table(EVALUATIONS, SPEEDS)
    text = to_markdown("The verdict.", main_table(table), more_table(table), ["A note."])
    lines = text.splitlines()
    first, second = [cells(line) for line in lines if line.startswith(("|int8", "| int8"))]
    assert first == [
        "int8", "85.58%", "-1.61 (-2.00 to -1.25)", "95.00%", "39%", "1.71 (1.70 to 1.73)",
    ]  # fmt: skip
    assert second == [
        "int8", "8,558 of 10,000", "3.2e-12", "2.00%", "125,516", "39", "21", "3.34% (-1.18 pp)",
    ]  # fmt: skip
    assert lines[2] == "The verdict." and lines[-1] == "- A note."


def test_speed_stands_behind_size_and_float32_has_no_interval():
    table = main_table(comparison_table(EVALUATIONS, SPEEDS)).set_index("model")
    assert list(table) == [
        "top-1", "difference (95 % interval)", "agreement", "size", "speed",
    ]  # fmt: skip
    assert table.loc["fp32"].tolist() == ["87.19%", "", "", "100%", "1.00"]


def test_the_first_table_of_markdown_fits_a_terminal():
    disturbed = {"int8": {**SPEEDS["int8"], "speedup_ci95": [1.2, 2.2]}}
    for speeds in (SPEEDS, {**SPEEDS, **disturbed}):
        main = main_table(comparison_table(EVALUATIONS, speeds))
        lines = narrow_table(main).splitlines()
        assert len(lines) == 4 and {len(line) for line in lines} == {len(lines[0])}
        assert len(lines[0]) <= 80
        assert [len(line.replace(r"\|", "").split("|")) for line in lines] == [8] * 4


def test_integer_nodes_stand_beside_nodes():
    table = comparison_table(EVALUATIONS, SPEEDS)
    assert more_table(table)["integer nodes"].tolist() == ["0", "21"]
    assert ",39,21," in table.to_csv()  # an integer


def disturb(row, before=None, governor=None):
    """Return latency.json with another row for int8 in the first setting."""
    machine = {"load_average": {"before": before, "after": None}, "governor": governor}
    return {"measurements": [LATENCY["measurements"][0], row], "machine": machine}


def test_a_disturbed_speed_is_marked_and_explained():
    speed = {**make_row("int8", 1, 1, 1.0), "speedup_ci95": [0.85, 1.1]}
    text = compare(EVALUATIONS, RIGHT, disturb(speed, [3.25, 2, 1], "powersave"), 3.0, 0.01, None)
    assert "1.00 (0.85 to 1.10) *" in text.html
    (note,) = disturbance_notes(disturb(speed, [3.25, 2, 1], "powersave"))
    assert note.startswith("* Disturbed by other load") and "int8 with 1 thread, batch 1." in note
    assert "Load average of the last minute: 3.25 before the measurement." in note
    assert "Frequency governor: powersave." in note and "--forcerun measure_latency" in note
    assert plain_markdown(note) in text.markdown
    (note,) = disturbance_notes(disturb(speed))
    assert "Load" not in note and "governor" not in note
    (note,) = disturbance_notes({"measurements": [speed]})  # of an older run
    assert "Load" not in note


def test_a_narrow_interval_is_no_disturbance():
    speed = {**make_row("int8", 1, 1, 1.0), "speedup_ci95": [0.91, 1.1]}
    assert disturbance_notes(disturb(speed)) == disturbance_notes(None) == []
    assert "*" not in compare(EVALUATIONS, RIGHT, disturb(speed), 3.0, 1, None).latex


def test_a_sentence_tells_the_calibration_errors():
    told = calibration_errors(EVALUATIONS)
    assert "in 15 bins: fp32 " in told and "int8 3.12% (+0.25 pp)" in told


def test_speed_is_that_of_the_first_setting():
    assert {name: row["speedup"] for name, row in SPEEDS.items()} == {"fp32": 1.0, "int8": 1.71}
    assert {(row["threads"], row["batch_size"]) for row in SPEEDS.values()} == {(1, 1)}


def test_without_times_no_column_and_no_note_speaks_of_speed():
    assert headline_speeds(None) == {}
    table = comparison_table(EVALUATIONS, {})
    assert list(table) == COLUMNS and table["speedup"].isna().all()  # the contract stays
    assert "speed" not in main_table(table)
    assert "Speed" not in "".join(describe_run(EVALUATIONS, {}, None))
    note = "Speed: images a second as a multiple of float32 (1 thread, batch 1)"
    assert note in "".join(describe_run(EVALUATIONS, SPEEDS, None))


def test_the_table_of_speeds_has_a_row_for_each_model_and_setting():
    table = speed_table(LATENCY)
    assert len(table) == 8
    assert table.iloc[1].tolist() == [
        "int8", "1", "1", "1.71 (1.70 to 1.73)", "8,000", "0.125", "0.250", "0.500", "5.2", "3.0",
    ]  # fmt: skip


def test_published_baseline_stands_beside_the_measured_one():
    notes = "\n".join(describe_run(EVALUATIONS, SPEEDS, published_top1=0.88))
    assert "Published baseline: 88.00%; the measured one differs by -0.81 pp." in notes
    assert "Published" not in "\n".join(describe_run(EVALUATIONS, SPEEDS, published_top1=None))


def test_notes_name_data_calibration_and_machine():
    notes = "\n".join(describe_run(EVALUATIONS, SPEEDS, None))
    assert "10,000 test images of shapes (synthetic <images>)" in notes
    assert "MinMax, 1,000 training images, at most 100 a class, seed 42" in notes
    assert "onnxruntime 1.32.0 on CPU (avx2)" in notes


def test_saturation_above_the_threshold_is_a_warning_with_a_remedy():
    (line,) = saturation_warnings(EVALUATIONS, threshold=0.01)
    assert line.startswith("Warning: saturation in 16-bit sums changes 3.34% of the predictions")
    assert "int8 (-1.18 pp) on CPU" in line
    for remedy in ("quantization.reduce_range", "uint8", "VNNI"):
        assert remedy in line
    assert saturation_warnings(EVALUATIONS, threshold=0.04) == []


def test_a_refused_check_is_told_with_the_reason_and_no_figure():
    not_checked = {"checked": False, "changed": None, "delta_pp": None}
    refused = {**SATURATION, **not_checked, "refused": "no kernel"}
    evaluations = [EVALUATIONS[0], {**EVALUATIONS[1], "saturation": refused}]
    (line,) = saturation_warnings(evaluations, threshold=0.01)
    assert line == "int8: not checked for saturation, because onnxruntime refuses: no kernel"
    assert "saturated" not in more_table(comparison_table(evaluations, {}))


def test_what_may_saturate_on_other_cpus_alone_is_told_without_a_warning():
    cannot = {"checked": False, "cannot": "VNNI", "changed": 0.0, "delta_pp": 0.0}
    evaluations = [EVALUATIONS[0], {**EVALUATIONS[1], "saturation": {**SATURATION, **cannot}}]
    (line,) = saturation_warnings(evaluations, threshold=0.01)
    assert line.startswith("int8 may lose accuracy on x86-64 CPUs without VNNI")
    assert "2 of its operators" in line and "On this CPU they cannot" in line
    assert more_table(comparison_table(evaluations, {}))["saturated"][1] == "0.00% (+0.00 pp)"
    evaluations[1]["saturation"]["saturating_operators"] = []
    assert saturation_warnings(evaluations, threshold=0.01) == []


def with_provenance(name, **provenance):
    evaluation = make_evaluation(name, 8558, 125516, BASELINE)
    evaluation["calibration"]["provenance"] = provenance
    return evaluation


def test_nodes_in_float_and_changes_of_the_model_are_told():
    fp32 = make_evaluation("fp32", 8719, 321606)
    changes = ["Gemm is folded", "names are changed"]
    kept = {"conv": "a reason", "pool": "another"}
    told = float_notes([
        fp32,
        with_provenance("int8", preparation=changes),
        with_provenance("uint8", preparation=changes, kept_in_float=kept),
    ])  # fmt: skip
    assert told == [
        "uint8 keeps nodes in float32: conv (a reason); pool (another).",
        "The float32 model was changed before quantization, and predicts the same: "
        "Gemm is folded; names are changed.",
    ]
    assert float_notes([fp32, with_provenance("int8")]) == []
    coarser = {"conv": "a reason", "next": "another"}
    assert float_notes([fp32, with_provenance("uint8", coarser_weights=coarser)]) == [
        "uint8 has coarser weights: conv (a reason); next (another)."
    ]
    assert float_notes([fp32, with_provenance("int8", preparation=[], kept_in_float={})]) == []


def test_models_whose_times_hold_the_preprocessing_are_named():
    fp32 = make_evaluation("fp32", 8719, 321606)
    plain = with_provenance("int8", quantization={"input_type": "float32"})
    assert pixel_notes([fp32, plain, with_provenance("uint8")]) == []
    taking = [with_provenance(name, quantization={"input_type": "uint8"}) for name in ("a", "b")]
    assert pixel_notes([fp32, plain, *taking]) == [
        "Pixels, uint8, as input, with the preprocessing inside the model and its times: a, b. "
        "The times of the others leave preprocessing out."
    ]


def with_metrics(**metrics):
    return [{**evaluation, **metrics} for evaluation in EVALUATIONS]


TOP5 = {"correct": 9876, "top5": 0.9876, "ci95": [0.98, 0.99], "delta_pp": -0.5}
SOME = {"classes": 10, "outputs": 1000, "correct": 9500, "top1": 0.95, "ci95": [0.9, 1.0]}
TWO = {"positive": "person", "precision": 0.75, "recall": None, "f1": 0.625, "auc": 0.98765}


def test_columns_stand_where_they_apply():
    plain = comparison_table(EVALUATIONS, SPEEDS)
    evaluations = with_metrics(top5=TOP5, present_classes=SOME)
    table = comparison_table(evaluations, SPEEDS)
    added = more_table(table).drop(columns=list(more_table(plain)))
    assert added.iloc[1].to_dict() == {"top-5": "98.76%", "top-1 of present": "95.00%"}
    notes = describe_run(evaluations, SPEEDS, None)
    assert notes[0].endswith("shapes (synthetic <images>), of 10 of the 1,000 classes.")
    plain_notes = describe_run(EVALUATIONS, SPEEDS, None)
    assert [note.split(":")[0] for note in notes if note not in plain_notes[1:]] == [
        "Data", "Top-5", "Top-1 of present",
    ]  # fmt: skip


def test_two_classes_have_columns_of_their_own():
    evaluations = with_metrics(two_classes=TWO)
    table = comparison_table(evaluations, SPEEDS)
    row = more_table(table).iloc[0]
    assert row[["precision", "F1", "AUC"]].tolist() == ["75.00%", "62.50%", "0.9877"]
    assert "recall" not in row  # which no model has
    notes = "\n".join(describe_run(evaluations, SPEEDS, None))
    assert "precision and recall of the second class (person)" in notes


def test_ties_have_a_column_with_a_note():
    table = comparison_table(EVALUATIONS, SPEEDS)
    assert table["ties"].tolist() == [0.0, 0.02]
    assert more_table(table)["ties"].tolist() == ["0.00%", "2.00%"]
    notes = describe_run(EVALUATIONS, SPEEDS, None)
    assert sum("Ties: share of images whose highest score" in note for note in notes) == 1
    older = [{k: v for k, v in item.items() if k != "ties"} for item in EVALUATIONS]
    assert "ties" not in more_table(comparison_table(older, SPEEDS))
