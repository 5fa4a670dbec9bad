"""What the figure of ranges says and shows."""

from helpers.activations import make_tensors
from helpers.layout import check_layout
from ptq_comparison.report.figures import ranges
from ptq_comparison.report.figures.ranges import merge, plot_ranges
from ptq_comparison.report.figures.style import label_lines


def test_ranges_names_the_tensor_that_uses_least():
    assert ranges.finding(make_tensors(3)) == (
        "99 % of …ion_0/batchnorm/mul_1:0 lie in 41 of 256 levels; "
        "the median tensor uses 16\N{NO-BREAK SPACE}% of its grid"
    )


def test_of_many_tensors_those_that_use_least_are_shown_in_order():
    tensors = merge(make_tensors(70)[::-1])
    shown = ranges.select(tensors)
    assert shown == tensors[10:]
    figure = plot_ranges(make_tensors(70))
    assert label_lines(figure)[1:] == ["10 tensors that use more are left out"]


def names(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_tensors_that_are_the_same_are_shown_once(monkeypatch):
    first, other, *_ = make_tensors(2)
    pooled = {**first, "tensor": "pooled", "op_type": "MaxPool", "levels": [70, 95, 110]}
    twin = {**first, "tensor": "twin", "op_type": "Conv"}
    sibling = {**first, "tensor": "sibling", "op_type": "Conv", "levels": [1, 2, 3]}
    relu = {**other, "tensor": "relu", "op_type": "Relu"}
    rows = [first, pooled, other, twin, sibling, relu]
    assert [(shown.row["tensor"], shown.more) for shown in merge(rows)] == [
        (first["tensor"], 2), (other["tensor"], 1), ("sibling", 0),
    ]  # fmt: skip
    figure = plot_ranges(rows)
    assert [name.partition(" ")[2] for name in names(figure)] == [
        "(and 2 more)",
        "(and 1 more)",
        "",
    ]
    check_layout(figure, "ranges", monkeypatch)


def test_tensors_left_out_are_counted_with_those_behind_them(monkeypatch):
    monkeypatch.setattr(ranges, "MOST_TENSORS", 1)
    first, other = make_tensors(2)
    rows = [first, other, {**other, "tensor": "relu", "op_type": "Relu"}]
    assert label_lines(plot_ranges(rows))[1:] == ["2 tensors that use more are left out"]
