"""What the figure of sensitivity says and shows."""

import pytest
from helpers.layout import check_layout
from ptq_comparison.report.figures import sensitivity
from ptq_comparison.report.figures.sensitivity import plot_sensitivity
from ptq_comparison.report.figures.style import label_lines

NOTE = "validation images: of the training split, which float32 may have learned from"


def make_rows(divergences, everything=0.05):
    rows = [("", "all", everything)]
    for name, divergence in divergences.items():
        rows += [(name, "only", divergence), (name, "all_but", everything - divergence / 2)]
    return [
        {
            "node": node,
            "op_type": "Conv",
            "mode": mode,
            "agreement": 1 - divergence,
            "agreement_ci95_low": 1 - 2 * divergence,
            "agreement_ci95_high": 1 - divergence / 2,
            "kl_divergence": divergence,
        }
        for node, mode, divergence in rows
    ]


def names(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_the_worst_node_is_on_top_and_in_the_title():
    rows = make_rows({"worst": 0.02, "small": 0.001, "none": 0.0})
    figure = plot_sensitivity(rows)
    assert sensitivity.finding(rows) == (
        "worst has the largest divergence measured: alone in 8 bits KL 0.02 nats; "
        "all nodes together: KL 0.05 nats"
    )
    left, right = figure.axes
    assert names(left) == ["worst (Conv)", "small (Conv)", "none (Conv)"]
    assert left.yaxis_inverted()
    # A divergence of 0 is inside the axis, although that is logarithmic.
    low, high = left.get_xlim()
    assert low < 0 and high > 0.05
    only, all_but = left.collections[:2]
    assert only.get_offsets()[:, 0].tolist() == pytest.approx([0.02, 0.001, 0.0])
    assert all_but.get_offsets()[:, 0].tolist() == pytest.approx([0.04, 0.0495, 0.05])
    assert right.collections[-1].get_offsets()[:, 0].tolist() == pytest.approx([4.0, 4.95, 5.0])


def test_of_many_nodes_those_that_cost_most_are_shown():
    count = sensitivity.MOST_NODES + 5
    rows = make_rows({f"n{k}": 0.01 / (k + 1) for k in range(count)})
    figure = plot_sensitivity(rows)
    assert len(names(figure.axes[0])) == sensitivity.MOST_NODES
    assert names(figure.axes[0])[0] == "n0 (Conv)"
    assert label_lines(figure)[1:] == ["5 nodes that cost less are left out"]


def test_title_and_order_are_by_the_divergence_alone():
    """Not by changed predictions, nor by the order of the rows."""
    rows = make_rows({"a": 0.001, "b": 0.03, "c": 0.002})
    for row in rows:
        if row["node"] == "a":
            row |= {"agreement": 0.2, "agreement_ci95_low": 0.1, "agreement_ci95_high": 0.3}
    figure = plot_sensitivity(rows)
    assert names(figure.axes[0]) == ["b (Conv)", "c (Conv)", "a (Conv)"]
    assert label_lines(figure)[0].startswith("b has the largest divergence")


def test_a_model_that_nothing_changes_can_be_plotted():
    figure = plot_sensitivity(make_rows({"a": 0.0, "b": 0.0}, everything=0.0))
    figure.canvas.draw()
    assert label_lines(figure)[0] == (
        "No node alone in 8 bits changes a score; all nodes together: KL 0 nats"
    )


LONG = "model_1/batch_normalization_{}/batchnorm/mul_1"


@pytest.mark.parametrize("count", [1, 2, 14, 60])
def test_no_text_of_the_sensitivity_is_cut_off_or_written_over(count, monkeypatch):
    for scale in (0.09, 1e-4):
        rows = make_rows({LONG.format(n): scale / (n + 1) ** 3 for n in range(count)}, 1.5 * scale)
        check_layout(plot_sensitivity(rows), "sensitivity", monkeypatch)
    with_zero = make_rows({LONG.format(n): 0.001 * n for n in range(count)})
    check_layout(plot_sensitivity(with_zero), "with zero", monkeypatch)


def test_nodes_that_cannot_be_quantized_are_left_out(monkeypatch):
    rows = make_rows({"lost": 0.0, "worst": 0.02, "small": 0.001})

    def lose(row):
        figures = ("agreement", "agreement_ci95_low", "agreement_ci95_high", "kl_divergence")
        row |= {**dict.fromkeys(figures), "reason": "no kernel"}

    for row in rows:
        if row["mode"] == "all" or (row["node"] == "lost") == (row["mode"] == "only"):
            lose(row)
    figure = plot_sensitivity(rows)
    assert names(figure.axes[0]) == ["worst (Conv)", "small (Conv)"]
    assert "all nodes together cannot be quantized" in label_lines(figure)[0]
    assert "1 node that cannot be quantized is left out" in label_lines(figure)
    check_layout(figure, "left out", monkeypatch)
    for row in rows:
        lose(row)
    figure = plot_sensitivity(rows)
    assert label_lines(figure)[0].startswith("No node can be quantized alone")
    figure.canvas.draw()


def test_a_note_stands_with_the_title(monkeypatch):
    figure = plot_sensitivity(make_rows({"worst": 0.02, "small": 0.001}), NOTE)
    assert label_lines(figure)[1:] == [NOTE]
    check_layout(figure, "note", monkeypatch)
