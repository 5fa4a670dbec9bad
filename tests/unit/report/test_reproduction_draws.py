"""Published differences beside those of several draws."""

from helpers.draws import draws_of, make_compared, make_draws, make_row
from ptq_comparison.report.reproduction_draws import draws_section

PUBLISHED = {"fp32": {"top1": 0.8719}, "int8": {"top1": 0.8558}, "uint8": {"top1": 0.8675}}
SATURATING = {"operators": ("Conv 'a'",), "checked": True}


def cells(text, model):
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {model} ")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_models_have_means_and_how_many_draws_lose_as_much():
    text = draws_section(draws_of(int8=[-1.0, -1.61, -2.0], own=[0.0, 0.0, 0.0]), PUBLISHED)
    assert cells(text, "int8")[:3] == ["int8", "-1.61", "-1.54 (0.50), -2.00 to -1.00, 2 of 3"]
    assert "own" not in text and "which saturate" not in text
    assert "of 3 draws of 100 training images (seeds 42 to 44)" in text


def test_kernels_that_saturate_have_others_beside_them():
    exact = [make_compared(d, 0.99) for d in (-0.5, -0.9)]
    rows = {
        "int8": [make_row("int8", -1.5, exact=e, **SATURATING) for e in exact],
        "uint8": [make_row("uint8", d) for d in (-0.3, -0.4)],
    }
    text = draws_section(make_draws(rows), PUBLISHED)
    assert cells(text, "int8")[2:4] == [
        "-1.50 (0.00), -1.50 to -1.50, 0 of 2",
        "-0.70 (0.28), -0.90 to -0.50, 0 of 2",
    ]
    assert cells(text, "uint8")[2] == cells(text, "uint8")[3]
    assert (
        "int8 gets -1.17 pp against uint8; it is at least as far behind in 1 of 2 draws with the "
        "kernels of this CPU, which saturate, and in 0 of 2 draws with kernels that do not"
    ) in text


def test_a_cpu_that_cannot_saturate_says_that_nothing_is_emulated():
    rows = [make_row("int8", -1.0, operators=("Conv 'a'",))] * 2
    text = draws_section(make_draws({"int8": rows}), PUBLISHED)
    assert "the workflow cannot emulate here those of x86-64 without VNNI" in text


def test_models_that_nobody_has_published_have_no_section():
    assert draws_section(draws_of(own=[0.0, 0.0]), PUBLISHED) == ""
