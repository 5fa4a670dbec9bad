"""The figures: the finding in each title, and that nothing is cut off or written over."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from helpers import CLASSES, REPOSITORY, make_evaluations, make_speeds
from helpers.activations import make_tensors
from helpers.layout import check_contrast, check_layout
from matplotlib.markers import MarkerStyle
from ptq_comparison.report.figures import accuracy, classes, confusion, examples, style, tradeoff
from ptq_comparison.report.figures.changes import find_changes
from ptq_comparison.report.figures.examples import predictions_of
from ptq_comparison.report.figures.ranges import plot_ranges
from ptq_comparison.report.figures.style import label_lines
from ptq_comparison.report.figures.tradeoff import plot_tradeoff

LABELS = np.repeat([0, 1, 2], 100)


def moved(*changes):
    """Return the labels with changes (label, prediction, images)."""
    predicted = LABELS.copy()
    for label, prediction, images in changes:
        (places,) = np.nonzero((label == LABELS) & (predicted == label))
        predicted[places[:images]] = prediction
    return predicted


FP32 = moved((0, 1, 10))
MODELS = {
    "fp32": FP32,
    "int8": moved((0, 1, 10), (1, 2, 20), (2, 0, 5)),
    "uint8": moved((0, 1, 11)),
}
EVALUATIONS = make_evaluations(MODELS, LABELS)
CHANGES = find_changes(MODELS, LABELS)


def test_accuracy_names_what_the_images_tell_from_float32():
    assert accuracy.finding(EVALUATIONS) == (
        "int8 loses 8.33 pp; uint8 cannot be told from float32 (exact McNemar, Holm)"
    )
    better = make_evaluations({"fp32": FP32, "a": LABELS, "b": FP32, "c": FP32}, LABELS)
    assert accuracy.differences(better) == "a gains 3.33 pp; b and c cannot be told from float32"


def test_where_all_of_many_models_differ_none_is_said_to_be_equal():
    models = {"fp32": FP32, **{f"m{n}": moved((1, 2, 40 + n)) for n in range(5)}}
    assert accuracy.differences(make_evaluations(models, LABELS)) == (
        "All 5 models differ, by -11.33 to -10.00 pp"
    )


def test_the_test_of_accuracy_counts_the_models():
    """6 to 0 images have p 0.031: enough for one model, not for one of two, with Holm."""
    one = {"fp32": FP32, "a": moved((0, 1, 16))}
    assert accuracy.differences(make_evaluations(one, LABELS)) == "a loses 2.00 pp"
    two = make_evaluations({**one, "b": FP32}, LABELS)
    assert accuracy.differences(two) == "a and b cannot be told from float32"


def test_accuracy_of_many_models_is_counted():
    models = {f"m{n}": FP32 for n in range(5)}
    assert accuracy.differences(make_evaluations(models | {"m6": FP32}, LABELS)) == (
        "5 of 5 models cannot be told from float32"
    )
    models |= {"m6": LABELS, "m7": moved((1, 2, 40))}
    assert accuracy.differences(make_evaluations(models, LABELS)) == (
        "4 of 6 models cannot be told from float32; others differ by -10.00 to +3.33 pp"
    )


def test_classes_names_those_that_change_beyond_chance():
    assert classes.finding(EVALUATIONS, CHANGES) == (
        "1 of 3 classes changes beyond chance (exact McNemar per class, Holm): "
        "green -20.0 pp with int8"
    )
    one = {"fp32": FP32, "a": LABELS}
    assert classes.finding(make_evaluations(one, LABELS), find_changes(one, LABELS)).endswith(
        "Holm): red +10.0 pp"
    )
    for models in ({"fp32": FP32, "a": FP32}, {"fp32": FP32, "a": moved((0, 1, 12), (2, 1, 5))}):
        found = classes.finding(make_evaluations(models, LABELS), find_changes(models, LABELS))
        assert found == "No class changes beyond chance (exact McNemar per class, Holm)"


def test_of_many_classes_that_change_three_are_named():
    labels = np.repeat(np.arange(6), 100)
    places = np.arange(600) % 100
    wrong = np.where(places < 20 + labels, (labels + 1) % 6, labels)
    models = {"fp32": labels, "a": wrong}
    found = classes.finding(
        make_evaluations(models, labels, tuple("abcdef")), find_changes(models, labels)
    )
    assert found.startswith("6 of 6 classes change beyond chance")
    assert found.endswith(": f -25.0 pp, e -24.0 pp, d -23.0 pp and 3 more")
    figure = classes.plot_classes(
        make_evaluations(models, labels, tuple("abcdef")), find_changes(models, labels)
    )
    assert "* changes beyond chance" in label_lines(figure)
    assert figure.axes[0].get_yticklabels()[0].get_text() == "f *"


def test_scores_of_predictions_and_labels_are_kept():
    scores = np.float32([[0.5, 0.25, 0.125], [1, 2, 3], [4, 6, 5]])
    kept = predictions_of(np.array([0, 2, 1]), [scores[:2], scores[2:]], np.array([1, 2, 0]))
    assert kept.scores.tolist() == [0.5, 3, 6] and kept.label_scores.tolist() == [0.25, 3, 4]
    assert kept.describe(1, ["a", "b", "c"]) == "c 3.00"


def test_classes_that_change_most_are_shown_and_empty_ones_left_out(monkeypatch):
    models = {**MODELS, "uint8": FP32}
    evaluations = make_evaluations(models, LABELS, (*CLASSES, "nothing"))
    assert classes.select(evaluations) == ([1, 2, 0], 0)
    monkeypatch.setattr(classes, "MOST_CLASSES", 2)
    assert classes.select(evaluations) == ([1, 2], 1)
    figure = classes.plot_classes(evaluations, find_changes(models, LABELS))
    assert label_lines(figure)[-1] == "1 class that changes less is left out"


def test_confusion_names_those_that_change_beyond_chance():
    matrix = confusion.difference(EVALUATIONS[1], EVALUATIONS[0])
    assert matrix.tolist() == [[0, 0, 0], [0, -20, 20], [5, 0, -5]]
    assert confusion.finding(EVALUATIONS, CHANGES) == (
        "1 confusion changes beyond chance (exact McNemar per cell, Holm): "
        "int8 takes green for blue more often (+20 images)"
    )
    better = {"fp32": FP32, "a": LABELS}
    assert confusion.finding(make_evaluations(better, LABELS), find_changes(better, LABELS)) == (
        "1 confusion changes beyond chance (exact McNemar per cell, Holm): "
        "a takes red for green less often (-10 images)"
    )
    little = {"fp32": FP32, "a": moved((0, 1, 12), (2, 1, 5))}
    assert confusion.finding(make_evaluations(little, LABELS), find_changes(little, LABELS)) == (
        "No confusion changes beyond chance (exact McNemar per cell, Holm)"
    )


def test_good_and_bad_differ_in_colour_and_sign():
    """More on the diagonal is better, more off it worse: in one colour, with one triangle."""
    matrix = np.array([[4, -4, 0], [3, -3, 0]])
    assert confusion.goodness(matrix).tolist() == [[4, 4, 0], [-3, -3, 0]]
    figure = confusion.plot_confusion(EVALUATIONS, CHANGES)
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert texts == {"-20▼", "+20▼", "+5▼", "-5▼"}
    (image,) = figure.axes[0].images
    assert np.asarray(image.get_array()).tolist() == [[0, 0, 0], [0, -20, -20], [-5, 0, -5]]
    assert len(figure.axes[0].patches) == 1  # a frame: the confusion that changes beyond chance
    assert "framed: changes beyond chance" in label_lines(figure)
    better = {"fp32": FP32, "a": LABELS}
    figure = confusion.plot_confusion(
        make_evaluations(better, LABELS), find_changes(better, LABELS)
    )
    assert {text.get_text() for text in figure.axes[0].texts} == {"+10▲", "-10▲"}
    legend = figure.axes[-1].get_xlabel()
    assert "▼ worse" in legend and "▲" in legend


def test_cells_without_counts_have_triangles():
    labels = np.arange(400) % 20
    wrong = np.where(np.arange(400) < 60, (labels + 1) % 20, labels)
    models = {"fp32": labels, "worse": wrong}
    names = tuple(f"class {n}" for n in range(20))
    for order, marker in ((("fp32", "worse"), "v"), (("worse", "fp32"), "^")):
        chosen = {name: models[name] for name in order}
        figure = confusion.plot_confusion(
            make_evaluations(chosen, labels, names), find_changes(chosen, labels)
        )
        drawn = [mark.get_paths()[0].vertices for mark in figure.axes[0].collections]
        expected = MarkerStyle(marker)
        outline = expected.get_transform().transform(expected.get_path().vertices)
        assert drawn and all(np.allclose(one, outline) for one in drawn)


def test_confusion_with_classes_without_images_is_named():
    labels = np.repeat([0, 2], 50)
    models = {"fp32": labels, "a": np.where(np.arange(100) < 8, 1, labels)}
    evaluations = make_evaluations(models, labels, ("cat", "none", "dog"))
    changes = find_changes(models, labels)
    assert confusion.finding(evaluations, changes).endswith(
        "a takes cat for a class without images more often (+8 images)"
    )
    figure = confusion.plot_confusion(evaluations, changes)
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == [
        "cat", "dog", "other classes",
    ]  # fmt: skip


def test_of_many_classes_the_confusions_that_change_most_are_shown(monkeypatch):
    matrix = np.zeros((50, 51), int)
    matrix[np.arange(50), np.arange(50)] = -90  # on the diagonal: no confusion
    matrix[30, 7], matrix[7, 41], matrix[3, 2], matrix[5, 50] = 9, -8, 2, 80
    monkeypatch.setattr(confusion, "SHOWN_CLASSES", 3)
    shown = confusion.select([matrix, np.zeros_like(matrix)])
    assert shown == [7, 30, 41]
    matrix[7, 12] = 4
    assert confusion.restrict(matrix, shown).tolist() == [
        [-90, 0, -8, 4], [9, -90, 0, 0], [0, 0, -90, 0],
    ]  # fmt: skip
    assert confusion.select([matrix[:40, :40]]) == list(range(40))
    assert np.array_equal(confusion.restrict(matrix, list(range(50))), matrix)


def test_a_thousand_classes_leave_the_figures_legible(monkeypatch):
    generator = np.random.default_rng(7)
    names = tuple(f"a class of a long name, the same as {n}" for n in range(1000))
    for present in (np.arange(1000), np.arange(0, 1000, 100)):
        labels = present[np.arange(3000) % len(present)]
        models = {
            name: np.where(generator.random(3000) < 0.2, generator.integers(0, 1000, 3000), labels)
            for name in ("fp32", "int8", "uint8")
        }
        evaluations = make_evaluations(models, labels, names)
        changes = find_changes(models, labels)
        predictions = {
            model: predictions_of(predicted, [generator.random((3000, 1000), np.float32)], labels)
            for model, predicted in models.items()
        }
        images = generator.integers(0, 256, (3000, 8, 8, 3), np.uint8)
        for figure in (
            classes.plot_classes(evaluations, changes),
            confusion.plot_confusion(evaluations, changes),
            examples.plot_examples(images, labels, predictions, list(names)),
        ):
            check_layout(figure, figure.get_suptitle(), monkeypatch)
            check_contrast(figure, figure.get_suptitle(), monkeypatch)
            assert figure.get_figheight() < 20


def make_predictions(predicted, seed):
    """Return predictions with a score of the predicted class between 0.5 and 1."""
    scores = np.random.default_rng(seed).uniform(0.5, 1, (len(LABELS), 1)) * np.eye(3)[predicted]
    scores = (scores + 0.1 * (1 - np.eye(3)[predicted])).astype(np.float32)
    return predictions_of(predicted, np.array_split(scores, 7), LABELS)


PREDICTIONS = {
    "fp32": make_predictions(FP32, 0),
    "int8": make_predictions(moved((0, 1, 2), (1, 2, 6)), 1),
    "uint8": make_predictions(FP32, 2),
}


def test_the_clearest_of_broken_and_fixed_images_are_shown():
    broken, fixed = examples.select("int8", PREDICTIONS, LABELS)
    assert (broken.verb, broken.total, fixed.verb, fixed.total) == ("breaks", 6, "fixes", 8)
    assert set(broken.indices) < set(range(100, 106)) and set(fixed.indices) < set(range(2, 10))
    for row, model in ((broken, "fp32"), (fixed, "int8")):
        scores = PREDICTIONS[model].label_scores
        right = scores[row.indices]
        assert len(right) == examples.IMAGES_PER_ROW and (np.diff(right) < 0).all()
        every = range(100, 106) if row.verb == "breaks" else range(2, 10)
        assert right[0] == max(scores[n] for n in every) > 0.5


def test_the_title_counts_what_each_model_breaks_and_fixes():
    rows = [row for name in ("int8", "uint8") for row in examples.select(name, PREDICTIONS, LABELS)]
    assert examples.finding(rows) == (
        "int8 breaks 6 images and fixes 8, within chance; uint8 breaks 0 images and fixes 0, "
        "within chance (exact McNemar, Holm)"
    )
    assert examples.finding(rows * 2) == (
        "The 4 models break 0 to 6 images and fix 0 to 8: none of them beyond chance "
        "(exact McNemar, Holm)"
    )
    worse = {**PREDICTIONS, "int8": make_predictions(moved((0, 1, 10), (1, 2, 20)), 1)}
    rows = [row for name in ("int8", "uint8") for row in examples.select(name, worse, LABELS)]
    assert examples.finding(rows).startswith("int8 breaks 20 images and fixes 0, beyond chance; ")
    assert ": 2 of them beyond chance" in examples.finding(rows * 2)


def test_models_keep_their_colour_and_differ_in_colour_or_marker():
    models = ["fp32", *(f"m{n}" for n in range(40))]
    palette, shapes = style.colors(models), style.markers(models)
    assert len({(palette[name], shapes[name]) for name in models}) == len(models)
    assert style.colors(models[:3]) == {name: palette[name] for name in models[:3]}
    assert (palette["fp32"], shapes["fp32"]) == (style.FLOAT_COLOR, style.FLOAT_MARKER)


def plot_all(count, name="model_{}", class_name="{} class"):
    """Return every figure for `count` quantized models."""
    generator = np.random.default_rng(4)
    words = ("a", "automobile", "b", "c", "d", "e", "f", "g")
    names = tuple(class_name.format(word) for word in words)
    labels = np.arange(800) % len(names)
    models = {"fp32": np.where(generator.random(800) < 0.1, 0, labels)}
    for number in range(count):
        noise = generator.integers(0, len(names), 800)
        predicted = np.where(generator.random(800) < 0.05, noise, models["fp32"])
        models[name.format(number)] = predicted
    evaluations = make_evaluations(models, labels, names)
    predictions = {
        model: predictions_of(predicted, [generator.random((800, len(names)), np.float32)], labels)
        for model, predicted in models.items()
    }
    images = generator.integers(0, 256, (800, 32, 32, 3), np.uint8)
    changes = find_changes(models, labels)
    return {
        "accuracy": accuracy.plot_accuracy(evaluations),
        "tradeoff": plot_tradeoff(evaluations, make_speeds(tuple(models))),
        "tradeoff without times": plot_tradeoff(evaluations, {}),
        "classes": classes.plot_classes(evaluations, changes),
        "confusion": confusion.plot_confusion(evaluations, changes),
        "examples": examples.plot_examples(images, labels, predictions, list(names)),
        "ranges": plot_ranges(make_tensors(30)),
    }


@pytest.mark.parametrize(
    ("count", "name"),
    [(1, "int{}"), (2, "int{}"), (8, "uint8_long_name_{}")],
)
def test_no_text_is_cut_off_or_written_over_another(count, name, monkeypatch):
    for title, figure in plot_all(count, name).items():
        check_layout(figure, title, monkeypatch)
        check_contrast(figure, title, monkeypatch)


@pytest.mark.soak  # 42 matrices take half a minute
def test_figures_of_42_models_with_long_names_are_whole(monkeypatch):
    for title, figure in plot_all(42, "quantized_with_a_long_name_" * 4 + "{}").items():
        if title != "examples":  # 84 rows of images are drawn like four
            check_layout(figure, title, monkeypatch)
            assert label_lines(figure)[0], title


@pytest.mark.parametrize("pattern", [r"$\bad {}$", "{} " + "latin " * 10, "{}" + "x" * 140])
def test_a_class_may_have_any_name(pattern, monkeypatch):
    for title, figure in plot_all(2, "int{}", pattern).items():
        check_layout(figure, title, monkeypatch)
        if title in ("classes", "confusion"):
            assert figure.axes[0].get_position().width > 0.6, title


def test_two_classes_make_figures(monkeypatch):
    labels = np.arange(200) % 2
    models = {"fp32": labels, "int8": np.where(np.arange(200) < 40, 1 - labels, labels)}
    evaluations = make_evaluations(models, labels, ("no", "yes"))
    changes = find_changes(models, labels)
    for figure in (
        classes.plot_classes(evaluations, changes),
        confusion.plot_confusion(evaluations, changes),
    ):
        check_layout(figure, label_lines(figure)[0], monkeypatch)
        check_contrast(figure, label_lines(figure)[0], monkeypatch)


def make_timed(*intervals):
    names = ["fp32", *(f"m{n}" for n in range(len(intervals)))]
    models = dict.fromkeys(names, FP32)
    speeds = make_speeds(tuple(names))
    for name, (low, high) in zip(names[1:], intervals, strict=True):
        speeds[name] |= {"speedup": (low + high) / 2, "speedup_ci95": [low, high]}
    return make_evaluations(models, LABELS), speeds


def test_a_model_is_faster_or_slower_where_its_interval_says_so():
    evaluations, speeds = make_timed((1.1, 1.3), (0.7, 0.9), (0.9, 1.02))
    assert tradeoff.finding(evaluations, speeds) == (
        "m0 is faster than float32 (1.20 times the speed); m1 is slower than float32 (0.80 times "
        "the speed); m2 is neither faster nor slower beyond the interval (0.96 times the speed); "
        "at 30 % of the size, m0, m1 and m2 cannot be told from float32 (exact McNemar, Holm)"
    )
    evaluations, speeds = make_timed((1.1, 1.3), (1.4, 1.6), (0.7, 0.9), (1.5, 1.7))
    assert tradeoff.finding(evaluations, speeds).startswith(
        "3 models are faster than float32 (1.20 to 1.60 times the speed); 1 model is slower than "
        "float32 (0.80 times the speed); at 30 % of the size, "
    )
    assert tradeoff.finding(evaluations, {}).startswith("At 30 % of the size, m0, m1, m2 and")


def test_a_disturbed_speed_is_hollow_and_called_so(monkeypatch):
    figure = plot_tradeoff(*make_timed((1.19, 1.21), (1.0, 1.5)))
    check_layout(figure, "disturbed", monkeypatch)
    assert tradeoff.DISTURBED in label_lines(figure)
    marks = {line.get_label(): line.get_markerfacecolor() for line in figure.axes[0].lines}
    assert marks["m1: 94 KiB, 1.25x, disturbed"] == "white" != marks["m0: 94 KiB, 1.20x"]
    wild = plot_tradeoff(*make_timed((-9.0, 20.0)))
    low, high = wild.axes[0].get_xlim()
    assert low >= 0 and high < 1.4 * 8000
    calm = plot_tradeoff(*make_timed((1.19, 1.21)))
    assert len(label_lines(calm)) == 1


def test_the_figures_of_all_need_neither_pyplot_nor_pandas():
    """Both take long to import, and nothing else in this process does without them."""
    script = (REPOSITORY / "workflow/scripts/plot_figures.py").read_text()
    modules = re.findall(r"from (ptq_comparison\S+) import", script)
    assert len(modules) > 7
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow/scripts")}
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())
    assert "matplotlib.figure" in names
    assert not names & {"matplotlib.pyplot", "pandas", "onnx", "onnxruntime"}


def test_a_grey_image_and_nothing_to_show_make_figures_too():
    images = np.zeros((len(LABELS), 8, 8, 1), np.uint8)
    figure = examples.plot_examples(images, LABELS, PREDICTIONS, list(CLASSES))
    headings = [part.get_suptitle() for part in figure.subfigs]
    assert headings == [
        "int8 breaks 6, the 4 clearest",
        "int8 fixes 8, the 4 clearest",
        "uint8 breaks 0",
        "uint8 fixes 0",
    ]


def test_without_a_broken_or_fixed_image_the_title_says_it_all():
    equal = dict.fromkeys(("fp32", "int8", "uint8"), PREDICTIONS["fp32"])
    images = np.zeros((300, 8, 8, 3), np.uint8)
    figure = examples.plot_examples(images, LABELS, equal, list(CLASSES))
    assert not figure.subfigs  # whose headings would be written over the title
    assert "int8 breaks 0 images and fixes 0, within chance" in label_lines(figure)[0]


def test_error_bars_have_no_negative_length():
    lengths = style.error_lengths([100.0, 0.0, 50.0], [90, 1e-17, 40], [100 - 1e-14, 3.0, 70])
    assert lengths.tolist() == [[10, 0, 10], [0, 3, 20]]


def test_a_model_that_gets_everything_right_can_be_plotted():
    """60 of 60: an interval that ended the last digit below 100 % stopped the run."""
    labels = np.arange(60) % 4
    other = np.where(np.arange(60) < 2, (labels + 1) % 4, labels)
    evaluations = make_evaluations(
        {"fp32": labels, "int8": labels, "uint8": other}, labels, tuple("abcd")
    )
    for interval in ([0.94, 1 - 2**-53], [0.94, 1.0]):
        for evaluation in evaluations[:2]:
            evaluation["accuracy"]["ci95"] = interval
        plot_tradeoff(evaluations, {}).draw_without_rendering()
        accuracy.plot_accuracy(evaluations).draw_without_rendering()
