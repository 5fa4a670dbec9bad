"""The table of models in ORT format."""

from ptq_comparison.report.ort_models import describe_twins, readable_twins


def row(model, changed=0, reason=None):
    made = reason is None
    return {
        "model": model,
        "bytes_onnx": 314604,
        "bytes_ort": 328896 if made else None,
        "ratio": 328896 / 314604 if made else None,
        "images": 2000,
        "changed_predictions": changed if made else None,
        "largest_score_difference": 0.0466 if made else None,
        "reason": reason,
    }


def test_a_row_for_each_model():
    table = readable_twins([row("fp32"), row("int8", 3)])
    assert list(table["model"]) == ["fp32", "int8"]
    assert list(table.iloc[1])[1:] == ["314.6", "328.9", "1.05", "3", "0.047"]
    assert "not made" not in table


def test_a_reason_has_a_column():
    table = readable_twins([row("fp32"), row("int8", reason="too new")])
    assert list(table["not made"]) == ["", "too new"]
    assert list(table.iloc[1])[2:] == ["", "", "", "", "too new"]


def test_the_lead_tells_what_changed():
    assert describe_twins([row("fp32"), row("int8")]) == (
        "2 of 2 models are in ORT format, and predict on 2,000 test images as the ONNX models do."
    )
    assert describe_twins([row("fp32"), row("int8", 3), row("x", reason="no")]) == (
        "2 of 3 models are in ORT format. Of 2,000 test images, other predictions than the ONNX "
        "model has: int8 3."
    )
    assert describe_twins([row("x", reason="no")]) == "0 of 1 models are in ORT format."
