"""What the figure of the sweep says, names and merges."""

import numpy as np
import pandas as pd
import pytest
from helpers.layout import check_contrast, check_layout, drawn_texts
from helpers.sweeps import FREE
from ptq_comparison.report.figures.style import label_lines
from ptq_comparison.report.figures.sweep import DISTURBED, RADIUS, finding, plot_sweep

FASTER = {**FREE, "min_speedup": 1.0}


def make_sweep(recipes, width=0.02):
    """Return the content of sweep.csv: name, predictions unlike float32 of 1000, speed, KiB."""
    names, unlike, speeds, sizes = zip(*recipes, strict=True)
    speed = np.array(speeds, float)
    table = pd.DataFrame(
        {
            "recipe": names,
            "agreement": 1 - np.array(unlike) / 1000,
            "total": 1000,
            "delta_pp": -np.array(unlike) / 20,
            "bytes": 1024 * np.array(sizes),
            "speedup": speed,
            "speedup_ci95_low": speed * (1 - width),
            "speedup_ci95_high": speed * (1 + width),
            "fixed": 1,
            "broken": 2,
            "correct": 900,
            "nodes": 20,
            "reason": "",
        }
    )
    return table.sort_values("agreement", ascending=False, kind="stable").reset_index(drop=True)


SOME = [("slow", 5, 0.5, 90), ("fast", 10, 1.5, 100), ("poor", 150, 1.5, 100)]


def entries(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def labels(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def test_speeds_of_a_device_are_said_to_be_its():
    figure = plot_sweep(make_sweep(SOME), FREE, None, device="pi5")
    assert figure.axes[0].get_xlabel() == "speed on pi5, as a multiple of float32"
    assert "times the speed on pi5;" in " ".join(figure.get_suptitle().split())


def test_the_recommended_recipe_is_the_one_that_the_constraints_allow():
    table = make_sweep(SOME)
    assert finding(table, FASTER) == (
        "fast is recommended: it agrees with float32 on 99.00% of 1,000 validation images, 1.50 "
        "times the speed; 2 of 3 recipes meet the constraints"
    )
    assert finding(table, FREE).startswith("slow is recommended: ")
    figure = plot_sweep(table, FASTER)
    assert entries(figure)[:2] == [
        "1  fast: 99.00%, 1.50x, 100 KiB, recommended",
        "2  slow: 99.50%, 0.50x, 90 KiB",
    ]
    assert labels(figure) == ["1", "2"]
    marks = {line.get_marker(): line for line in figure.axes[0].lines}
    assert marks["s"].get_xdata()[0] == 1.5 and marks["s"].get_color() == "black"


def test_of_equals_the_fastest_is_recommended_as_the_rule_does():
    table = make_sweep([("slow", 5, 1.4, 90), ("fast", 10, 1.5, 100), ("poor", 150, 1.9, 100)])
    agrees = {
        row.recipe: np.arange(1000) >= 1000 * (1 - row.agreement) for row in table.itertuples()
    }
    agrees["slow"][700:705] = False  # which images are unlike: now as many as for fast
    assert finding(table, FREE, agrees).startswith("fast is recommended: ")
    assert entries(plot_sweep(table, FREE, agrees))[0].startswith("1  fast: 99.00%")


def test_where_none_is_allowed_none_is_marked():
    table = make_sweep(SOME)
    strict = {"max_drop_pp": 0.1, "min_speedup": 9.0, "max_bytes": 2}
    assert finding(table, strict) == (
        "None of 3 recipes meets max_drop_pp 0.1, min_speedup 9, max_bytes 2"
    )
    figure = plot_sweep(table, strict)
    assert not any("recommended" in entry for entry in entries(figure))
    assert "s" not in {line.get_marker() for line in figure.axes[0].lines}
    # Speed that is asked for, and was not measured.
    assert plot_sweep(table.assign(speedup=np.nan), FASTER).axes[0].get_xlabel() == "size (KiB)"


def test_marks_of_one_place_are_merged_and_counted(monkeypatch):
    """27 recipes of one speed: no mark covers another, and all are counted."""
    generator = np.random.default_rng(0)
    crowd = [(f"r{n}", unlike, 1.2, 120) for n, unlike in enumerate(generator.uniform(20, 300, 27))]
    figure = plot_sweep(make_sweep([("best", 2, 1.4, 100), *crowd]), FASTER)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    marks = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    places = [axes.transData.transform(line.get_xydata()[0]) * 72 / figure.dpi for line in marks]
    distances = np.linalg.norm(np.array(places)[:, None] - places, axis=2)
    # Below the distance that they were merged at by what the layout moves since.
    assert distances[~np.eye(len(marks), dtype=bool)].min() > 1.95 * RADIUS
    counted = [
        int(label[1:]) for label in labels(figure) if label.startswith("\N{MULTIPLICATION SIGN}")
    ]
    single = len(marks) - 1 - len(counted)
    assert sum(counted) + single == 27 and len(counted) > 3
    check_layout(figure, "crowd", monkeypatch)


def test_marks_that_stand_for_more_say_so_below():
    figure = plot_sweep(
        make_sweep(
            [("a", 10, 1.5, 100), ("b", 10.2, 1.5, 90), ("c", 10.3, 1.5, 100), ("d", 90, 1.0, 95)]
        ),
        FASTER,
    )
    first, second, *_ = entries(figure)
    assert first.endswith("recommended (over 1 more)")
    assert second.endswith("KiB (at 1)")


@pytest.mark.parametrize("timed", [True, False])
def test_no_text_of_a_large_sweep_is_cut_off_or_written_over(timed, monkeypatch):
    generator = np.random.default_rng(1)
    recipes = [
        (f"{'long_name_' * 9}{n}", *generator.uniform([1, 0.2, 80], [400, 3, 400]))
        for n in range(150)
    ]
    table = make_sweep(recipes)
    if not timed:
        table["speedup"] = np.nan
    figure = plot_sweep(table, FREE)
    check_layout(figure, "large", monkeypatch)
    check_contrast(figure, "large", monkeypatch)
    frame = figure.axes[0].get_window_extent()
    for text in drawn_texts(figure.draw_without_rendering, monkeypatch):
        if text in figure.axes[0].texts:
            box = text.get_window_extent()
            assert frame.x0 - 3 <= box.x0 and box.x1 <= frame.x1 + 3, text
            assert frame.y0 <= box.y0 and box.y1 <= frame.y1, text


def test_a_disturbed_speed_has_its_interval():
    figure = plot_sweep(make_sweep(SOME, width=0.2), FASTER)
    assert DISTURBED in label_lines(figure)
    bars = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
    assert any(list(bar.get_xdata()) == pytest.approx([1.2, 1.8]) for bar in bars)
    assert figure.axes[0].get_xlim()[1] > 1.8
    wild = make_sweep(SOME).assign(speedup_ci95_high=20.0)
    assert plot_sweep(wild, FASTER).axes[0].get_xlim()[1] < 2.2
    assert DISTURBED not in label_lines(plot_sweep(make_sweep(SOME), FASTER))


def test_recipes_without_a_speed_are_left_out_and_counted():
    table = make_sweep(SOME)
    table.loc[0, ["speedup", "speedup_ci95_low", "speedup_ci95_high"]] = np.nan
    assert "1 recipe without a speed is left out" in label_lines(plot_sweep(table, FASTER))


def test_one_recipe_makes_a_figure(monkeypatch):
    figure = plot_sweep(make_sweep(SOME[:1]), FREE)
    check_layout(figure, "one", monkeypatch)
    assert [label for label in figure.axes[0].get_yticklabels() if label.get_text()]


def test_a_note_stands_with_the_title(monkeypatch):
    note = "validation images: of the training split, which float32 may have learned from"
    figure = plot_sweep(make_sweep(SOME, width=0.2), FASTER, None, note)
    assert label_lines(figure)[1:] == [DISTURBED, note]
    check_layout(figure, "note", monkeypatch)
