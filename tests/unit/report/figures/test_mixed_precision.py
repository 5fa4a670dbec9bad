"""What the figure of mixed precision says and shows."""

import pytest
from helpers.layout import check_layout
from ptq_comparison.report.figures import mixed_precision
from ptq_comparison.report.figures.mixed_precision import plot_mixed_precision
from ptq_comparison.report.figures.style import label_lines
from ptq_comparison.search.mixed_precision import STEP_KEYS

NOTE = "validation images: of the training split, which float32 may have learned from"


def make_steps(deltas, nodes, **more):
    return [
        {
            "nodes_in_float": step,
            "nodes_quantized": nodes - step,
            "node": f"node{step}" if step else "",
            "is_auto": int(step == len(deltas) - 1),
            "agreement": 0.97 + step / 10_000,
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


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        (
            [-0.1],
            "All 3 nodes in 8 bits: -0.10 pp (95 %: -1.10 to +0.90)",
        ),
        (
            [-2, -1, 0.1],
            "2 of 3 nodes in float32: +0.10 pp (95 %: -0.90 to +1.10) instead of -2.00 pp; "
            "agreement 97.02% instead of 97.00%",
        ),
    ],
)
def test_the_title_tells_how_many_nodes_stay_in_float(deltas, expected):
    steps = make_steps(deltas, nodes=3)
    figure = plot_mixed_precision(steps)
    assert [mixed_precision.finding(steps)] == label_lines(figure) == [expected]
    figure.canvas.draw()


def test_accuracy_size_and_speed_are_in_panels_of_their_own():
    steps = make_steps([-2, -1], nodes=3, speedup=1.5, speedup_ci95_low=1.4, speedup_ci95_high=1.6)
    accuracy, size, speed = plot_mixed_precision(steps).axes
    lines = {
        axes: [list(line.get_xdata()) for line in axes.lines] for axes in (accuracy, size, speed)
    }
    assert [-2, -1] in lines[accuracy] and [0, 1] in lines[size] and [1.5, 2.5] in lines[speed]
    assert names(accuracy) == ["the recipe itself", "1: + node1 (auto)"]
    assert size.get_xlabel() == "size (KiB),\nminus 100"
    untimed = plot_mixed_precision(make_steps([-2, -1], nodes=3))
    assert len(untimed.axes) == 2


def test_a_single_step_is_a_sentence(monkeypatch):
    steps = make_steps([-0.1], nodes=3, speedup=1.5, speedup_ci95_low=1.4, speedup_ci95_high=1.6)
    figure = plot_mixed_precision(steps)
    assert not figure.axes
    text, title = figure.texts
    assert title.get_text().startswith("All 3 nodes in 8 bits")
    assert " ".join(text.get_text().split()) == (
        "There is one step, so there is no curve: with no node in float32, the accuracy on the "
        "validation images differs from that of float32 by -0.10 pp (95 %: -1.10 to +0.90), and "
        "the file has 100 KiB, at 1.50 times the speed (95 %: 1.40 to 1.60)."
    )
    check_layout(figure, "sentence", monkeypatch, least=2)
    steps = make_steps([-0.1], nodes=3, speedup=1.5, speedup_ci95_low=1, speedup_ci95_high=2)
    disturbed = plot_mixed_precision(steps).texts[0].get_text()
    assert " ".join(disturbed.split()).endswith("1.00 to 2.00), which other load disturbed.")
    untimed = plot_mixed_precision(make_steps([-0.1], nodes=3))
    assert "speed" not in untimed.texts[0].get_text()


LONG = "model_1/batch_normalization_{}/batchnorm/mul_1"


@pytest.mark.parametrize("steps", [2, 10, 50, 120])
@pytest.mark.parametrize("timed", [(), ("speedup", "speedup_ci95_low", "speedup_ci95_high")])
def test_no_text_of_mixed_precision_is_cut_off_or_written_over(steps, timed, monkeypatch):
    curve = make_steps([-2 + 0.018 * n for n in range(steps)], nodes=150)
    for n, row in enumerate(curve):
        row["node"] = LONG.format(n) if n else ""
        row |= dict.fromkeys(timed, 1.4321 - 0.0321 * n)
    for step in (-710, 123, 60_000):
        for n, row in enumerate(curve):
            row["bytes"] = 20_115_054 + step * n
        check_layout(plot_mixed_precision(curve), str(step), monkeypatch)


def test_steps_that_could_not_be_made_are_left_out(monkeypatch):
    steps = make_steps(
        [-2, -1, -0.2], nodes=3, speedup=1.5, speedup_ci95_low=1, speedup_ci95_high=2
    )
    empty = [key for key in steps[0] if key not in STEP_KEYS]
    steps[0] |= {**dict.fromkeys(empty), "reason": "no kernel"}
    figure = plot_mixed_precision(steps)
    assert names(figure.axes[0]) == ["1: + node1", "2: + node2 (auto)"]
    assert label_lines(figure)[0].startswith("2 of 3 nodes in float32: -0.20 pp")
    check_layout(figure, "left out", monkeypatch)
    steps[1] |= {**dict.fromkeys(empty), "reason": "no kernel"}
    figure = plot_mixed_precision(steps)
    assert label_lines(figure)[0] == (
        "2 of 3 nodes in float32: with fewer it cannot be made; -0.20 pp (95 %: -1.20 to +0.80)"
    )
    check_layout(figure, "one step", monkeypatch, least=2)


@pytest.mark.parametrize("deltas", [[-2, -1, -0.2], [-0.1]])
def test_a_note_stands_with_the_title(deltas, monkeypatch):
    figure = plot_mixed_precision(make_steps(deltas, nodes=3), NOTE)
    assert label_lines(figure)[1:] == [NOTE]
    assert f"({NOTE})" in " ".join(figure.get_suptitle().split())
    check_layout(figure, "note", monkeypatch, least=2)
