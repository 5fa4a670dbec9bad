"""The figures: the finding in each title, and that nothing is cut off or written over."""

import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers import CLASSES, REPOSITORY, make_evaluations, make_speeds
from helpers.layout import check_layout
from matplotlib.figure import Figure
from ptq_comparison.report.figures import accuracy, classes, confusion, examples, ranges, style
from ptq_comparison.report.figures.examples import predictions_of
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
EVALUATIONS = make_evaluations(
    {
        "fp32": FP32,
        "int8": moved((0, 1, 10), (1, 2, 20), (2, 0, 5)),
        "uint8": moved((0, 1, 11)),
    },
    LABELS,
)


def test_accuracy_names_what_the_images_tell_from_float32():
    assert accuracy.finding(EVALUATIONS) == (
        "int8 loses 8.33 pp; uint8 cannot be told from float32"
    )
    better = make_evaluations({"fp32": FP32, "a": LABELS, "b": FP32, "c": FP32}, LABELS)
    assert accuracy.finding(better) == "a gains 3.33 pp; b and c cannot be told from float32"


def test_accuracy_of_many_models_is_counted():
    models = {f"m{n}": FP32 for n in range(5)}
    assert accuracy.finding(make_evaluations(models | {"m6": FP32}, LABELS)) == (
        "5 of 5 models cannot be told from float32"
    )
    models |= {"m6": LABELS, "m7": moved((1, 2, 40))}
    assert accuracy.finding(make_evaluations(models, LABELS)) == (
        "4 of 6 models cannot be told from float32; others differ by -10.00 to +3.33 pp"
    )


def test_classes_names_the_largest_loss():
    assert classes.finding(EVALUATIONS) == "green loses most: -20.0 pp with int8"
    better = make_evaluations({"fp32": FP32, "a": LABELS}, LABELS)
    assert classes.finding(better) == "No class loses accuracy"


def test_scores_of_predictions_and_labels_are_kept():
    scores = np.float32([[0.5, 0.25, 0.125], [1, 2, 3], [4, 6, 5]])
    kept = predictions_of(np.array([0, 2, 1]), [scores[:2], scores[2:]], np.array([1, 2, 0]))
    assert kept.scores.tolist() == [0.5, 3, 6] and kept.label_scores.tolist() == [0.25, 3, 4]
    assert kept.describe(1, ["a", "b", "c"]) == "c 3.00"


def test_classes_that_change_most_are_shown_and_empty_ones_left_out(monkeypatch):
    names = (*CLASSES, "nothing")
    models = {
        item["model"]["name"]: predict
        for item, predict in zip(
            EVALUATIONS, (FP32, moved((0, 1, 10), (1, 2, 20), (2, 0, 5)), FP32), strict=True
        )
    }
    evaluations = make_evaluations(models, LABELS, names)
    assert classes.select(evaluations) == ([1, 2, 0], 0)
    monkeypatch.setattr(classes, "MOST_CLASSES", 2)
    assert classes.select(evaluations) == ([1, 2], 1)
    title = classes.plot_classes(evaluations).get_suptitle()
    assert title.endswith("(1 classes that change less are left out)")


def test_confusion_names_the_one_that_grows_most():
    matrix = confusion.difference(EVALUATIONS[1], EVALUATIONS[0])
    assert matrix.tolist() == [[0, 0, 0], [0, -20, 20], [5, 0, -5]]
    assert confusion.finding(EVALUATIONS) == (
        "int8 takes green for blue more often than float32 does: +20 images"
    )
    better = make_evaluations({"fp32": FP32, "a": LABELS}, LABELS)
    assert confusion.finding(better) == "No confusion grows"
    one = make_evaluations({"fp32": FP32, "a": moved((0, 1, 11))}, LABELS)
    assert confusion.finding(one).endswith("+1 image")


def test_confusion_with_classes_without_images_is_named():
    labels = np.repeat([0, 2], 50)
    models = {"fp32": labels, "a": np.where(np.arange(100) < 4, 1, labels)}
    evaluations = make_evaluations(models, labels, ("cat", "none", "dog"))
    assert confusion.finding(evaluations) == (
        "a takes cat for a class without images more often than float32 does: +4 images"
    )
    figure = confusion.plot_confusion(evaluations)
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
        predictions = {
            model: predictions_of(predicted, [generator.random((3000, 1000), np.float32)], labels)
            for model, predicted in models.items()
        }
        images = generator.integers(0, 256, (3000, 8, 8, 3), np.uint8)
        for figure in (
            classes.plot_classes(evaluations),
            confusion.plot_confusion(evaluations),
            examples.plot_examples(images, labels, predictions, list(names)),
        ):
            check_layout(figure, figure.get_suptitle(), monkeypatch)
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
        "int8 breaks 6 images and fixes 8; uint8 breaks 0 images and fixes 0"
    )
    assert examples.finding(rows * 2) == "The 4 models break 0 to 6 images and fix 0 to 8"


def make_tensors(count):
    return [
        {
            "tensor": f"model_1/batch_normalization_{n}/batchnorm/mul_1:0",
            "op_type": "Mul",
            "low": -123.456,
            "high": 234.567,
            "grid": 256,
            "zero_level": 88,
            "levels": [60, 90, 100 + n],
            "share": (41 + n) / 256,
            "clipped": 0.0,
        }
        for n in range(count)
    ]


def test_ranges_names_the_tensor_that_uses_least():
    assert ranges.finding(make_tensors(3)) == (
        "99 % of …ion_0/batchnorm/mul_1:0 lie in 41 of 256 levels; "
        "the median tensor uses 16\N{NO-BREAK SPACE}% of its grid"
    )


def test_of_many_tensors_those_that_use_least_are_shown_in_order():
    tensors = make_tensors(70)[::-1]
    shown = ranges.select(tensors)
    assert shown == tensors[10:]
    assert "(10 tensors that use more are left out)" in ranges.plot_ranges(tensors).get_suptitle()


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
    return {
        "accuracy": accuracy.plot_accuracy(evaluations),
        "tradeoff": plot_tradeoff(evaluations, make_speeds(tuple(models))),
        "tradeoff without times": plot_tradeoff(evaluations, {}),
        "classes": classes.plot_classes(evaluations),
        "confusion": confusion.plot_confusion(evaluations),
        "examples": examples.plot_examples(images, labels, predictions, list(names)),
        "ranges": ranges.plot_ranges(make_tensors(30)),
    }


@pytest.mark.parametrize(
    ("count", "name"),
    [(1, "int{}"), (2, "int{}"), (4, "u8s8_reduced_{}"), (8, "uint8_long_name_{}")],
)
def test_no_text_is_cut_off_or_written_over_another(count, name, monkeypatch):
    for title, figure in plot_all(count, name).items():
        check_layout(figure, title, monkeypatch)


@pytest.mark.parametrize("pattern", [r"$\bad {}$", "{} " + "latin " * 10, "{}" + "x" * 140])
def test_a_class_may_have_any_name(pattern, monkeypatch):
    for title, figure in plot_all(2, "int{}", pattern).items():
        check_layout(figure, title, monkeypatch)
        if title in ("classes", "confusion"):
            assert figure.axes[0].get_position().width > 0.6, title


def test_names_inside_a_file_do_not_depend_on_digits_that_are_not_drawn(tmp_path):
    texts = []
    for shift in (0, 1e-12):
        figure = Figure(layout="none")
        for left in (0.1, 0.6):
            axes = figure.add_axes((left + shift, 0.1, 0.3, 0.8))
            axes.plot([1, 2], "o-")
            axes.imshow(np.eye(2), extent=(0, 1, 1, 2))
            axes.bar(1, 2, hatch="/")
        style.save(figure, tmp_path / f"{shift}.svg")
        texts.append((tmp_path / f"{shift}.svg").read_text())
    assert texts[0] == texts[1]
    names = re.findall(r' id="([^"]+)"', texts[0])
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', texts[0]))
    assert len(names) == len(set(names))
    assert used <= set(names) and len(used) > 5


def test_a_figure_is_xml_whatever_a_tensor_is_called(tmp_path):
    figure = Figure()
    figure.subplots().set_title("a\0b\x1f\ufffe & <c>")
    style.save(figure, tmp_path / "figure.svg")
    ElementTree.parse(tmp_path / "figure.svg")


def test_the_figures_of_all_need_neither_pyplot_nor_pandas():
    """Both take long to import, and nothing else in this process does without them."""
    script = (REPOSITORY / "workflow/scripts/plot_figures.py").read_text()
    modules = re.findall(r"from (ptq_comparison\S+) import", script)
    assert len(modules) > 6
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow/scripts")}
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())
    assert "matplotlib.figure" in names
    assert not names & {"matplotlib.pyplot", "pandas", "onnx", "onnxruntime"}


def test_a_figure_is_the_same_bytes_on_every_run(tmp_path):
    for name in ("a.svg", "b.svg"):
        style.save(accuracy.plot_accuracy(EVALUATIONS), tmp_path / name)
    text = (tmp_path / "a.svg").read_bytes()
    assert text == (tmp_path / "b.svg").read_bytes()
    assert b"<text" not in text  # outlines: no font is needed to read it


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
    assert "int8 breaks 0 images and fixes 0; uint8 breaks 0" in figure.get_suptitle()


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
