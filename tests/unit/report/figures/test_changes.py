"""Which classes and confusions change beyond chance, against counts made by hand."""

import numpy as np
import pytest
from ptq_comparison.evaluation.metrics import confusion_matrix
from ptq_comparison.report.figures.changes import class_changes, find_changes, join
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests


def make_models(seed=3, count=600, classes=5):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    models = {}
    for name, errors in (("fp32", 0.1), ("a", 0.1), ("b", 0.3)):
        wrong = generator.random(count) < errors
        models[name] = np.where(wrong, generator.integers(0, classes, count), labels)
    return models, labels


def test_changes_are_those_of_the_confusion_matrices():
    models, labels = make_models()
    fp32 = confusion_matrix(models["fp32"], labels, 5)
    for name in ("a", "b"):
        difference = confusion_matrix(models[name], labels, 5) - fp32
        found = np.zeros((5, 5), int)
        for change in find_changes(models, labels):
            if change.model == name:
                found[change.label, change.predicted] = change.images
        assert np.array_equal(found, difference)


def test_p_values_equal_statsmodels_for_classes_and_confusions_apart():
    models, labels = make_models()
    changes = find_changes(models, labels)
    for is_class in (True, False):
        family = [item for item in changes if (item.label == item.predicted) == is_class]
        raw = []
        for change in family:
            of_label = labels == change.label
            own, fp32 = (
                models[name][of_label] == change.predicted for name in (change.model, "fp32")
            )
            table = [[0, int(np.sum(own & ~fp32))], [int(np.sum(~own & fp32)), 0]]
            raw.append(mcnemar(table, exact=True).pvalue)
        expected = multipletests(raw, method="holm")[1]
        assert [change.p for change in family] == pytest.approx(expected.tolist())
        assert [change.p for change in family] == sorted(change.p for change in family)
    assert {change.model for change in class_changes(changes)} == {"b"}


def test_by_chance_hardly_any_of_many_comparisons_finds_a_change():
    """Both models err alike; Holm keeps the share of runs with any false class below 5 %."""
    false = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        labels = np.arange(500) % 10
        models = {
            name: np.where(generator.random(500) < 0.2, (labels + 1) % 10, labels)
            for name in ("fp32", "a")
        }
        false += bool(class_changes(find_changes(models, labels)))
    assert false / 200 <= 0.05


def test_classes_without_images_are_one_column():
    labels = np.array([2, 2, 7])
    models = {"fp32": labels, "a": np.array([0, 9, 7])}
    changes = find_changes(models, labels)
    assert {(item.label, item.predicted, item.gained, item.lost) for item in changes} == {
        (0, 2, 2, 0), (0, 0, 0, 2),
    }  # fmt: skip
    assert find_changes({"fp32": labels, "a": labels}, labels) == []


def test_names_are_joined():
    assert join(["a"]) == "a" and join(["a", "b", "c"]) == "a, b and c"
