"""Rule reproduce: published and measured figures side by side."""

import pytest
from ptq_comparison.report.reproduction import reproduction_page

PUBLISHED = {
    "source": "somewhere",
    "images": 10000,
    "models": {
        "fp32": {"top1": 0.8719, "size": "315K", "nodes": None},
        "int8": {"top1": 0.8558, "size": "123K", "nodes": 130},
    },
}


def make_evaluation(name, top1, delta, images=10000, dataset="cifar10", isa="avx2"):
    return {
        "model": {"name": name, "bytes": 126151, "nodes": 130},
        "dataset": {"name": dataset, "images": images},
        "accuracy": {"top1": top1, "ci95": [top1 - 0.01, top1 + 0.01]},
        "baseline": delta and {"delta_pp": delta, "delta_ci95_pp": [delta - 0.3, delta + 0.3]},
        "calibration": delta and {"images": 1000, "per_class": 100, "seed": 42},
        "saturation": delta and {"checked": True, "changed": 0.0334, "delta_pp": -1.18},
        "runtime": {"onnxruntime": "1", "onnx": "1", "numpy": "2", "cpu": "CPU", "isa": [isa]},
    }


def page(delta=-1.5, **options):
    evaluations = [
        make_evaluation("fp32", 0.8719, None, **options),
        make_evaluation("int8", 0.8569, delta, **options),
        make_evaluation("own", 0.8, -7.0, **options),
    ]
    return reproduction_page(evaluations, PUBLISHED)


def cells(text, model):
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {model}")]
    return [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.parametrize(("delta", "answer"), [(-1.5, "yes"), (-1.0, "no"), (-2.0, "no")])
def test_a_row_has_both_figures_and_whether_they_agree(delta, answer):
    assert cells(page(delta), "int8") == [
        "int8", "85.58 %", "85.69 % (84.69 to 86.69)", "-1.61",
        f"{delta:+.2f} ({delta - 0.3:+.2f} to {delta + 0.3:+.2f})", answer,
        "123K", "126,151", "130", "130",
    ]  # fmt: skip
    assert cells(page(), "fp32")[3:6] == ["", "", ""]


def test_models_without_published_figures_are_left_out():
    assert "| own" not in page()


def test_the_page_says_what_it_was_measured_on():
    assert "Measured on all 10,000 test images." in page() and "**The images.**" not in page()
    part = page(images=1017)
    assert "1,017 test images, a part of CIFAR-10" in part and "**The images.**" in part
    assert "of shapes, which is not CIFAR-10" in page(dataset="shapes")


def test_the_cpu_and_what_it_costs_are_told():
    assert "CPU, without VNNI" in page()
    assert "int8 -1.18 pp (3.34% of the predictions change)" in page()


def test_vnni_is_a_matter_of_x86_alone():
    text = page(isa="neon")
    assert "CPU. On x86-64 without VNNI" in text
    assert "with VNNI" not in text and "Here that costs" not in text
