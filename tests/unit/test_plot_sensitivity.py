"""Rules plot_sensitivity and plot_mixed_precision: what the figures say and show."""

import pytest
from layout import check_layout
from matplotlib import pyplot as plt
from ptq_comparison.report.figures import mixed_precision, sensitivity
from ptq_comparison.report.figures.mixed_precision import plot_mixed_precision
from ptq_comparison.report.figures.sensitivity import plot_sensitivity


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


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


def make_steps(deltas, nodes, **more):
    return [
        {
            "nodes_in_float": step,
            "nodes_quantized": nodes - step,
            "node": f"node{step}" if step else "",
            "delta_pp": delta,
            "delta_ci95_low_pp": delta - 1,
            "delta_ci95_high_pp": delta + 1,
            "bytes": 1024 * (100 + step),
            **{key: value + step for key, value in more.items()},
        }
        for step, delta in enumerate(deltas)
    ]


def names(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_the_worst_node_is_on_top_and_in_the_title():
    rows = make_rows({"worst": 0.02, "small": 0.001, "none": 0.0})
    figure = plot_sensitivity(rows)
    assert sensitivity.finding(rows) == (
        "worst costs most: alone in 8 bits it changes 2.0 % of the predictions, "
        "all nodes change 5.0 %"
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
    assert "(5 nodes that cost less are left out)" in figure.get_suptitle()


def test_a_model_that_nothing_changes_can_be_plotted():
    figure = plot_sensitivity(make_rows({"a": 0.0, "b": 0.0}, everything=0.0))
    figure.canvas.draw()
    assert "changes 0.0 %" in figure.get_suptitle()


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        ([-0.1], "No node has to stay in float32: -0.10 pp, and -0.3 pp is allowed"),
        ([-2, -1, 0.1], "2 of 3 nodes in float32: from -2.00 to +0.10 pp (-0.3 pp is allowed)"),
        (
            [-2, -1, -1, 0],
            "The loss is too large as long as any node is in 8 bits: -0.3 pp is allowed",
        ),
    ],
)
def test_the_title_tells_how_many_nodes_stay_in_float(deltas, expected):
    steps = make_steps(deltas, nodes=3)
    figure = plot_mixed_precision(steps, 0.3)
    assert mixed_precision.finding(steps, 0.3) == figure.get_suptitle() == expected
    figure.canvas.draw()


def test_accuracy_size_and_speed_are_in_panels_of_their_own():
    steps = make_steps([-2, -1], nodes=3, speedup=1.5, speedup_ci95_low=1.4, speedup_ci95_high=1.6)
    accuracy, size, speed = plot_mixed_precision(steps, 0.3).axes
    lines = {
        axes: [list(line.get_xdata()) for line in axes.lines] for axes in (accuracy, size, speed)
    }
    assert [-2, -1] in lines[accuracy] and [0, 1] in lines[size] and [1.5, 2.5] in lines[speed]
    assert names(accuracy) == ["no node in float32", "1: + node1"]
    assert size.get_xlabel() == "size (KiB),\nminus 100"
    untimed = plot_mixed_precision(make_steps([-2, -1], nodes=3), 0.3)
    assert len(untimed.axes) == 2


LONG = "model_1/batch_normalization_{}/batchnorm/mul_1"


@pytest.mark.parametrize("count", [1, 2, 14, 60])
def test_no_text_of_the_sensitivity_is_cut_off_or_written_over(count, monkeypatch):
    for scale in (0.09, 1e-4):
        rows = make_rows({LONG.format(n): scale / (n + 1) ** 3 for n in range(count)}, 1.5 * scale)
        check_layout(plot_sensitivity(rows), "sensitivity", monkeypatch)
    with_zero = make_rows({LONG.format(n): 0.001 * n for n in range(count)})
    check_layout(plot_sensitivity(with_zero), "with zero", monkeypatch)


@pytest.mark.parametrize("steps", [1, 2, 10, 50, 120])
@pytest.mark.parametrize("timed", [(), ("speedup", "speedup_ci95_low", "speedup_ci95_high")])
def test_no_text_of_mixed_precision_is_cut_off_or_written_over(steps, timed, monkeypatch):
    curve = make_steps([-2 + 0.018 * n for n in range(steps)], nodes=150)
    for n, row in enumerate(curve):
        row["node"] = LONG.format(n) if n else ""
        row |= dict.fromkeys(timed, 1.4321 - 0.0321 * n)
    for step in (-710, 123, 60_000):
        for n, row in enumerate(curve):
            row["bytes"] = 20_115_054 + step * n
        check_layout(plot_mixed_precision(curve, 0.3), str(step), monkeypatch)
