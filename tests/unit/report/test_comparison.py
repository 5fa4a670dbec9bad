"""Rule compare: one row a model, for programs and for people."""

import io

import pandas as pd
import pytest
from helpers import score_metrics
from ptq_comparison.common.texts import plain_markdown
from ptq_comparison.report import columns
from ptq_comparison.report.comparison import (
    compare,
    comparison_table,
    readable_table,
    sortable_table,
    speed_table,
    to_markdown,
)
from ptq_comparison.report.comparison_notes import (
    calibration_errors,
    describe_run,
    float_notes,
    saturation_warnings,
)
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
        "speedup_ci95": [speedup - 0.01, speedup + 0.02],
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


def test_the_files_of_a_comparison_agree():
    comparison = compare(EVALUATIONS, LATENCY, saturation_threshold=0.01, published_top1=None)
    assert comparison.csv == comparison_table(EVALUATIONS, SPEEDS).to_csv(index=False)
    assert comparison.markdown.splitlines()[2] == comparison.verdict
    notes = saturation_warnings(EVALUATIONS, 0.01) + describe_run(EVALUATIONS, SPEEDS, None)
    assert comparison.markdown.endswith(
        "\n".join(f"- {plain_markdown(note)}" for note in notes) + "\n"
    )
    assert comparison.verdict in comparison.html and "<h2>Speed</h2>" in comparison.html
    without = compare(EVALUATIONS, None, saturation_threshold=0.01, published_top1=None)
    assert "<h2>" not in without.html and "Speed" not in without.markdown


@pytest.mark.parametrize("name", [name for name in vars(columns) if name.endswith("_PAGE")])
def test_every_column_of_a_page_has_a_heading_of_its_own(name):
    headings = [columns.COLUMNS[key].heading for key in getattr(columns, name)]
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


def test_markdown_shows_percent_signs_and_intervals():
    table = readable_table(comparison_table(EVALUATIONS, SPEEDS))
    lines = to_markdown("The verdict.", table, ["A note."]).splitlines()
    (row,) = [line for line in lines if line.startswith("| int8")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        "int8", "85.58%", "8,558 of 10,000", "-1.61", "-2.00 to -1.25", "95.00%", "3.2e-12",
        "125,516", "39%", "39", "3.34% (-1.18 pp)", "1.71 (1.70 to 1.73)",
    ]  # fmt: skip
    assert lines[2] == "The verdict." and lines[-1] == "- A note."


def test_a_cell_of_the_page_holds_one_number_to_sort_by():
    table = sortable_table(comparison_table(EVALUATIONS, SPEEDS)).set_index("model")
    assert table.loc["int8"].tolist() == [
        "85.58%", "-1.61", "-2.00", "-1.25", "95.00%", "3.2e-12", "125,516", "39%", "39",
        "3.34%", "1.71",
    ]  # fmt: skip
    assert table.loc["fp32", ["difference (pp)", "from", "to", "saturated"]].tolist() == [""] * 4


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
    assert "speed" not in readable_table(table) and "speed" not in sortable_table(table)
    assert "Speed" not in "".join(describe_run(EVALUATIONS, {}, None))
    note = "Speed: images a second as a multiple of float32 (1 thread, batch 1)"
    assert note in "".join(describe_run(EVALUATIONS, SPEEDS, None))


def test_the_table_of_speeds_has_a_row_for_each_model_and_setting():
    table = speed_table(LATENCY)
    assert len(table) == 8
    assert table.iloc[1].tolist() == [
        "int8", "1", "1", "0.125", "0.250", "0.500", "8,000", "1.71", "1.70", "1.73", "5.2", "3.0",
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
    assert readable_table(comparison_table(evaluations, {}))["saturated"].tolist() == ["", ""]


def test_what_may_saturate_on_other_cpus_alone_is_told_without_a_warning():
    cannot = {"checked": False, "cannot": "VNNI", "changed": 0.0, "delta_pp": 0.0}
    evaluations = [EVALUATIONS[0], {**EVALUATIONS[1], "saturation": {**SATURATION, **cannot}}]
    (line,) = saturation_warnings(evaluations, threshold=0.01)
    assert line.startswith("int8 may lose accuracy on x86-64 CPUs without VNNI")
    assert "2 of its operators" in line and "On this CPU they cannot" in line
    assert readable_table(comparison_table(evaluations, {}))["saturated"][1] == "0.00% (+0.00 pp)"
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


def with_metrics(**metrics):
    return [{**evaluation, **metrics} for evaluation in EVALUATIONS]


TOP5 = {"correct": 9876, "top5": 0.9876, "ci95": [0.98, 0.99], "delta_pp": -0.5}
SOME = {"classes": 10, "outputs": 1000, "correct": 9500, "top1": 0.95, "ci95": [0.9, 1.0]}
TWO = {"positive": "person", "precision": 0.75, "recall": None, "f1": 0.625, "auc": 0.98765}


def test_columns_stand_where_they_apply():
    plain = comparison_table(EVALUATIONS, SPEEDS)
    evaluations = with_metrics(top5=TOP5, present_classes=SOME)
    table = comparison_table(evaluations, SPEEDS)
    for shown in (readable_table, sortable_table):
        added = shown(table).drop(columns=list(shown(plain)))
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
    row = sortable_table(table).iloc[0]
    assert row[["precision", "F1", "AUC"]].tolist() == ["75.00%", "62.50%", "0.9877"]
    assert "recall" not in row  # which no model has
    assert {"F1", "AUC"} < set(readable_table(table)) and "precision" not in readable_table(table)
    notes = "\n".join(describe_run(evaluations, SPEEDS, None))
    assert "precision and recall of the second class (person)" in notes
