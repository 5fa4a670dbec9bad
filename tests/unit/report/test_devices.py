"""What devices show: a verdict for each, warnings, a table and a page, speeds in the comparison."""

import csv
import io
import json

import numpy as np
import pytest
from helpers import REPOSITORY, make_evaluations, make_speeds
from helpers.devices import device_content, small_bundle, write_device
from ptq_comparison.config.schema import load_schema
from ptq_comparison.device.brought_back import read_bundle, read_device
from ptq_comparison.report.comparison import compare
from ptq_comparison.report.device_notes import device_notes, device_warnings
from ptq_comparison.report.device_verdict import decide_on
from ptq_comparison.report.devices import headline, summarize_device, verdict_lines, write_page

SCHEMA = load_schema(REPOSITORY / "workflow/schemas/device.schema.yaml")
LABELS = np.zeros(1000, np.int64)
WRONG = {"fp32": 100, "int8": 102, "uint8": 103}  # of 1,000 test images
PREDICTED = {name: (np.arange(1000) < count).astype(int) for name, count in WRONG.items()}
EVALUATIONS = make_evaluations(PREDICTED, LABELS)
RIGHT = {name: predicted == LABELS for name, predicted in PREDICTED.items()}
EMULATED = "qemu-aarch64 10.0 as cortex-a72"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("bundle") / "device")


@pytest.fixture(scope="module")
def bundle(folder):
    return read_bundle(*(folder / name for name in ("bundle.json", "labels.npy", "expected.npz")))


@pytest.fixture
def measured(folder, bundle, tmp_path):
    """Return a device that measured the small bundle; `edit` changes the content of its file."""

    def function(edit=None, **options):
        content = device_content(folder, **options)
        if edit:
            edit(content)
        return read_device(write_device(tmp_path, content), SCHEMA, bundle)

    return function


@pytest.fixture
def decided(measured, bundle):
    def function(here="uint8", max_drop_pp=3.0, **options):
        return decide_on(measured(**options), bundle, EVALUATIONS, RIGHT, here, max_drop_pp)

    return function


@pytest.fixture
def brought(measured, bundle):
    def function(**options):
        device = measured(**options)
        decision = decide_on(device, bundle, EVALUATIONS, RIGHT, "uint8", 3.0)
        return device, summarize_device(
            device, decision, device_warnings(device, 0.01), device_notes(device)
        )

    return function


def test_of_models_that_images_cannot_tell_apart_the_fastest_there(decided):
    decision = decided(speeds={"int8": 2.1, "uint8": 1.9})
    assert decision.model == "int8"
    assert decision.sentence == (
        "On pi5 ship int8: 2.10 times as fast as float32 (2.09 to 2.12; 1 thread, batch 1), and "
        "-0.20 pp on the 1,000 test images; on this machine ship uint8."
    )
    same = decided(speeds={"int8": 1.1, "uint8": 1.9})
    assert same.model == "uint8"
    assert same.sentence.startswith("On pi5 ship uint8, as on this machine: 1.90 times as fast")


def test_a_model_that_is_slower_everywhere_is_said_to_be(decided):
    decision = decided(speeds={"int8": 0.8, "uint8": 0.6})
    assert decision.sentence.startswith("On pi5 ship int8: slower than float32, 0.80 times as fast")


def test_disturbed_times_are_marked(decided, measured):
    options = {"speeds": {"int8": 2.0}, "noise": 0.2}
    assert "batch 1, disturbed by other load)" in decided(**options).sentence
    notes = device_notes(measured(**options))
    assert any(note.startswith("* Disturbed by other load on pi5: ") for note in notes)


def test_nodes_that_fell_back_are_told(measured):
    def openvino(content):
        content["settings"]["provider"] = "OpenVINOExecutionProvider"
        content["runtime"]["providers"] = ["OpenVINOExecutionProvider", "CPUExecutionProvider"]
        content["machine"]["kernels_saturate"] = True
        for row, cpu in zip(content["models"], (0, 2, 2), strict=True):
            ran = {"CPUExecutionProvider": cpu, "OpenVINOExecutionProvider": 29}
            row["executed_by"] = {name: nodes for name, nodes in ran.items() if nodes}

    told = [note for note in device_notes(measured(edit=openvino)) if "nodes" in note]
    assert told == [
        "pi5: of int8, uint8, 2 of 31 nodes ran on CPUExecutionProvider, not on "
        "OpenVINOExecutionProvider."
    ]
    assert not [note for note in device_notes(measured()) if "nodes" in note]


def test_where_predictions_differ_the_images_of_the_device_decide(decided):
    """int8 loses 24 of the 200 images: 12 pp, of which the test images know nothing."""

    def lost(content):
        del content["models"][2]

    decision = decided(speeds={"int8": 3.0}, changed={"int8": 44})
    assert decision.model == "uint8"  # int8 is right less often
    alone = decided(changed={"int8": 44}, edit=lost)
    assert alone.model is None
    assert alone.sentence == (
        "On pi5 ship none of them: the best, int8, loses 12.00 pp on the 200 images of pi5, more "
        "than the 3 pp that acceptance.max_drop_pp allows; on this machine ship uint8."
    )
    assert (
        "-12.00 pp on the 200 images"
        in decided(changed={"int8": 44}, edit=lost, max_drop_pp=20.0).sentence
    )
    # A loss on all test images, where predictions are the same.
    assert decided(max_drop_pp=0.1, here=None).sentence.endswith("allows, as on this machine.")


def test_a_change_of_float32_counts_too(decided):
    """Float32 itself is right less often there."""
    decision = decided(changed={"fp32": 40})
    assert " pp on the 200 images of pi5" in decision.sentence and "+" in decision.sentence


def test_a_device_that_timed_nothing_ships_the_smallest(decided):
    def untimed(content):
        for row in content["models"]:
            row |= {"latency": None, "block_medians_ms": None}

    assert (
        "ship int8: the smallest, as its speed was not measured" in decided(edit=untimed).sentence
    )


def test_without_float32_models_rank_by_their_times(decided):
    decision = decided(speeds={"uint8": 3.0}, failed={"fp32": "does not load"})
    assert decision.model == "uint8"
    assert "1.31 ms (1 thread, batch 1), where float32 was not timed" in decision.sentence


def test_nothing_is_shipped_where_nothing_runs(decided):
    failed = dict.fromkeys(("int8", "uint8"), "Unsupported model IR version: 10")
    assert decided(failed=failed).sentence == "On pi5 none of the compared 8-bit models was run."


def test_an_emulated_device_has_no_verdict(decided, measured):
    decision = decided(emulated=EMULATED)
    assert decision.model is None
    assert decision.sentence == (
        f"pi5: emulated, no times ({EMULATED}); on 200 images it predicts as this machine does."
    )
    changed = {"emulated": EMULATED, "changed": {"int8": 3}}
    assert decided(**changed).sentence == f"pi5: emulated, no times ({EMULATED})."
    assert device_warnings(measured(**changed), 0.01) == [
        "On pi5 predictions differ from those of this machine, of 200 images: int8 on 3 (1.50%)."
    ]


def test_warnings_name_what_fails_saturates_and_differs(measured):
    device = measured(
        failed={"int8": "Unsupported model IR version: 10."},
        saturated={"uint8": 4},
        changed={"uint8": 1},
    )
    failed, saturated, changed = device_warnings(device, 0.01)
    assert failed == "Warning: int8 does not run on pi5: Unsupported model IR version: 10."
    assert saturated.startswith(
        "Warning: saturation in 16-bit sums changes 2.00% of the predictions of uint8 ("
    )
    assert "on pi5 (Cortex-A76): set quantization.reduce_range, use unsigned weights" in saturated
    assert "uint8 on 1 (0.50%)" in changed
    assert len(device_warnings(device, 0.02)) == 2  # not beyond the threshold
    assert device_warnings(measured(), 0.01) == []
    assert device_notes(measured())[0] == (
        "pi5: all models that run there predict as on this machine, on 200 images."
    )


def test_models_that_fail_alike_share_a_warning(measured):
    failed = dict.fromkeys(("int8", "uint8"), "x" * 500)
    (warning,) = device_warnings(measured(failed=failed), 0.01)
    assert warning.startswith("Warning: int8, uint8 do not run on pi5: xxx") and len(warning) < 300


def test_a_model_that_nobody_has_checked_is_named(measured, bundle):
    entry = bundle.content["models"][1]

    def unchecked(content):
        content["machine"]["kernels_saturate"] = True
        content["models"][1]["saturation"] = {
            "checked": False, "why": "this onnxruntime is old", "changed": None, "delta_pp": None,
            "predictions": None,
        }  # fmt: skip

    entry["exact"] = "exact/int8.onnx"
    try:
        notes = device_notes(measured(edit=unchecked))
    finally:
        del entry["exact"]
    assert (
        "pi5: Sums of 16 bits may saturate in int8, which was not checked: this onnxruntime is old."
        in notes
    )


def test_the_table_has_a_row_for_each_device_and_model(brought):
    pairs = [
        brought(name="pi5", speeds={"int8": 2.1}, changed={"int8": 3}),
        brought(name="a72", emulated=EMULATED, failed={"uint8": "does not load"}),
    ]
    page = write_page(*zip(*pairs, strict=True))
    rows = list(csv.DictReader(io.StringIO(page.csv)))
    assert [(row["device"], row["model"]) for row in rows] == [
        (device, model) for device in ("pi5", "a72") for model in ("fp32", "int8", "uint8")
    ]
    own = pairs[0][0]["models"][1]
    assert float(rows[1]["top1"]) == own["accuracy"] and rows[1]["changed"] == "3"
    assert float(rows[1]["changed_share"]) == 0.015 and rows[1]["threads"] == "1"
    assert float(rows[1]["speedup"]) == own["latency"]["speedup"]
    assert rows[4]["speedup"] == "" and rows[4]["emulated"] == EMULATED
    assert rows[5]["failure"] == "does not load" and rows[5]["top1"] == rows[5]["changed"] == ""
    for text in (page.markdown, page.html):
        assert "2.10 (2.09 to 2.12)" in text and "a72 (emulated)" in text
        assert "does not load" in text and "3 (1.50%)" in text
        assert "Ship int8 on pi5; predictions alone of a72 (emulated)." in text
    assert "| pi5" in page.markdown and "Cortex-A76" in page.markdown


def test_markdown_and_html_of_a_reason_hold_no_markup(brought):
    page = write_page(*zip(brought(failed={"int8": "<b>|x`[1](y)"}), strict=True))
    assert "<b>" not in page.html.split("<body>")[1]
    assert r"\<b>\|x\`\[1](y)" in page.markdown


def test_the_headline_groups_devices_by_their_model(brought):
    devices = [
        brought(name=name, speeds=speeds)[1]
        for name, speeds in (("a", {"int8": 2}), ("b", {"uint8": 2}), ("c", {"int8": 2}))
    ]
    assert headline(devices) == "Ship int8 on a, c; ship uint8 on b."


def compared(devices=()):
    speeds = make_speeds(tuple(WRONG))
    latency = {
        "measurements": [
            {**row, "peak_memory_bytes": 1, **dict.fromkeys(
                ("median_ms", "p90_ms", "p99_ms", "session_start_ms"), 1.0)}
            for row in speeds.values()
        ]
    }  # fmt: skip
    return compare(EVALUATIONS, RIGHT, latency, 3.0, 0.01, None, devices=devices)


def test_the_comparison_has_a_column_for_each_device_with_times(brought):
    devices = [
        brought(name="pi5", speeds={"int8": 2.1}, failed={"uint8": "does not load"})[1],
        brought(name="a72", emulated=EMULATED)[1],
    ]
    plain, found = compared(), compared(json.loads(json.dumps(devices)))
    rows = list(csv.DictReader(io.StringIO(found.csv)))
    assert list(rows[0])[-3:] == [
        "speedup_pi5", "speedup_pi5_ci95_low", "speedup_pi5_ci95_high",
    ]  # fmt: skip
    assert float(rows[1]["speedup_pi5"]) == pytest.approx(2.1, abs=0.02)
    assert rows[2]["speedup_pi5"] == "" and "a72" not in found.csv
    for text in (found.markdown, found.html, found.landing):
        assert "speed on pi5" in text and "2.10 (2.09 to 2.12)" in text
        assert "speed on a72" not in text
    lines = verdict_lines(devices)
    assert len(lines) == 3
    assert found.verdict == plain.verdict + "\n".join(lines) + "\n"
    assert "On pi5 ship int8: " in found.summary and "emulated, no times" in found.summary
    assert max(map(len, found.summary.splitlines())) < 80
    assert found.latex == plain.latex
    # What is there without devices stays as it is.
    assert [line.rsplit(",", 3)[0] for line in found.csv.splitlines()] == plain.csv.splitlines()
