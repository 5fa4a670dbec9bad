"""What `acceptance` asks for: by the measured value, or by the lower end of its interval."""

import json

import pytest
from ptq_comparison.verification.limits import not_asked, verify_limits, verify_speed

NOTHING = {
    "max_drop_pp": 100.0,
    "min_top1": None,
    "min_agreement": None,
    "min_speedup": None,
    "min_size_reduction": None,
    "compare_to": None,
    "by": "point",
}
EVALUATION = {
    "model": {"bytes": 400},
    "accuracy": {"top1": 0.88, "ci95": [0.86, 0.90]},
    "baseline": {
        "delta_pp": -1.0,
        "delta_ci95_pp": [-2.0, 0.5],
        "agreement": 0.97,
        "agreement_ci95": [0.95, 0.98],
    },
}
# Of two settings, of which the first counts.
ROWS = [
    {"model": name, "threads": threads, "batch_size": 8, "speedup": speed, "speedup_ci95": interval}
    for threads, (speed, interval) in ((1, (1.2, [1.1, 1.3])), (2, (0.5, [0.4, 0.6])))
    for name in ("fp32", "int8")
]


def rows_of(folder, **asked):
    for name in ("fp32", "int8"):
        (folder / f"{name}.json").write_text(json.dumps(EVALUATION))
    (folder / "latency.json").write_text(json.dumps({"measurements": ROWS}))
    acceptance = {**NOTHING, **asked}
    rows = list(verify_limits("int8", folder / "int8.json", folder / "fp32.json", acceptance))
    if acceptance["min_speedup"] is not None:
        rows.append(verify_speed("int8", folder / "latency.json", acceptance))
    return {row["id"]: row for row in rows}


@pytest.mark.parametrize(
    ("id", "key", "point", "low"),
    [
        ("drop", "max_drop_pp", 1.0, 2.0),
        ("top1", "min_top1", 0.88, 0.86),
        ("agreement", "min_agreement", 0.97, 0.95),
        ("speed", "min_speedup", 1.2, 1.1),
    ],
)
def test_by_point_the_value_counts_and_by_interval_its_lower_end(tmp_path, id, key, point, low):
    stricter = -1e-6 if id == "drop" else 1e-6
    for by, limit in (("point", point), ("interval", low)):
        for asked, passed in ((limit, True), (limit + stricter, False)):
            row = rows_of(tmp_path, by=by, **{key: asked})[f"{id}_int8"]
            assert row["passed"] is passed, (by, asked)
            assert row["kind"] == "your requirement"
            assert ("interval" in row["requirement"]) == (by == "interval")
    # The limit that the value keeps to is one that its interval does not.
    assert rows_of(tmp_path, by="interval", **{key: point})[f"{id}_int8"]["passed"] is False


def test_evidence_names_what_was_measured(tmp_path):
    row = rows_of(tmp_path, min_speedup=1.0)["speed_int8"]
    assert row["measured"] == 1.2
    assert row["evidence"]["key"] == "measurements.1.speedup"
    assert (
        "int8 has at least 1.0 times the speed of float32 (threads 1, batch size 8)"
        in (row["requirement"])
    )
    row = rows_of(tmp_path, min_agreement=0.9, by="interval")["agreement_int8"]
    assert row["measured"] == [0.95, 0.98]
    assert row["evidence"]["key"] == "baseline.agreement_ci95"


def test_what_is_null_has_no_row_and_a_reason(tmp_path):
    assert set(rows_of(tmp_path)) == {"drop_int8"}
    reasons = dict(not_asked(["int8"], NOTHING, None))
    assert reasons == {
        "agreement_int8": "acceptance.min_agreement is null",
        "top1_int8": "acceptance.min_top1 is null",
        "size_int8": "acceptance.min_size_reduction is null",
        "speed_int8": "acceptance.min_speedup is null",
        "earlier_int8": "acceptance.compare_to is null",
        "earlier_fp32": "acceptance.compare_to is null",
        "published_baseline": "baseline.published_top1 is null",
    }
    asked = dict.fromkeys(("min_agreement", "min_top1", "min_size_reduction", "min_speedup"), 0.1)
    assert not_asked(["int8"], {**NOTHING, **asked, "compare_to": "last"}, 0.9) == []
    there = rows_of(tmp_path, **asked)
    assert set(there) == {f"{id}_int8" for id in ("drop", "agreement", "top1", "size", "speed")}


def test_a_speed_that_was_disturbed_has_to_hold_at_its_lower_end(tmp_path, monkeypatch):
    """Also by point: a speed that is high by luck passes no gate."""
    rows = list(ROWS)
    for interval, passed in (([1.1, 1.3], True), ([0.9, 1.5], False), ([1.05, 1.9], True)):
        measured = [row | {"speedup_ci95": interval} for row in rows]
        monkeypatch.setitem(globals(), "ROWS", measured)
        row = rows_of(tmp_path, min_speedup=1.0)["speed_int8"]
        assert row["passed"] == passed
        disturbed = interval != [1.1, 1.3]
        assert (
            "which other load disturbed, by the 95 % interval" in row["requirement"]
        ) == disturbed
