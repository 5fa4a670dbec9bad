"""The figure of draws of calibration images."""

import numpy as np
import pytest
from helpers.draws import draws_of, make_draws, make_row
from helpers.layout import check_layout
from ptq_comparison.report.figures.calibration_seeds import (
    MOST_STACKED,
    STEP,
    plot_calibration_seeds,
    stack,
)
from ptq_comparison.report.figures.style import label_lines


def dots(axes):
    """Return the values of the dots of each row: lines of at least two points and no line."""
    return [
        sorted(line.get_xdata())
        for line in axes.lines
        if line.get_marker() == "o" and len(line.get_xdata()) > 1
    ]


def test_every_draw_is_a_dot_and_that_of_the_run_is_ringed():
    figure = plot_calibration_seeds(draws_of(int8=[-1.0, -2.0, -0.5], uint8=[0.5, 0.0, 0.2]))
    left, right = figure.axes
    assert dots(left) == [[-2.0, -1.0, -0.5], [0.0, 0.2, 0.5]]
    assert dots(right) == [[98.0] * 3] * 2
    rings = [line.get_xdata()[0] for line in left.lines if line.get_markersize() == 9]
    assert rings == [-1.0, 0.5]
    assert label_lines(figure)[0] == (
        "Another draw of calibration images moves int8 by 0.76 pp and uint8 by 0.25 pp (standard "
        "deviation, 3 draws)"
    )


def test_of_many_models_the_title_has_the_range():
    models = {f"m{n}": [0.0, float(n)] for n in range(1, 6)}
    figure = plot_calibration_seeds(draws_of(**models))
    assert "moves 5 models by 0.71 to 3.54 pp" in label_lines(figure)[0]


def test_dots_of_one_place_lie_above_each_other():
    heights = stack(np.array([0.5, 0.0, 0.5, 1.0, 0.5]))
    assert heights == pytest.approx([0.0, 0.0, STEP, 0.0, 2 * STEP])
    assert stack(np.zeros(100)).max() == pytest.approx(STEP * (MOST_STACKED - 1))


def test_nothing_is_cut_off_or_written_over(monkeypatch):
    name = "recipe_of_a_long_name_with_all_of_its_options_99.999_QOperator"
    rows = {
        **{m: [make_row(m, d) for d in (-1.0, 0.0, 0.1)] for m in ("int8", name)},
        "recommended": [make_row("recommended", d, recipe=name) for d in (-1.0, 0.0, 0.1)],
        f"sweep/{name}": [make_row(f"sweep/{name}", d, recipe=name) for d in (-9.0, 0.0, 0.1)],
    }
    check_layout(plot_calibration_seeds(make_draws(rows)), "draws", monkeypatch)
    check_layout(plot_calibration_seeds(draws_of(int8=[0.0, 0.0])), "equal draws", monkeypatch)
