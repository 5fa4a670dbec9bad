"""A wrong order of classes is found, and no right one is suspected."""

import numpy as np
import pytest
from ptq_comparison.preparation.class_order import describe_order, find_order, is_clearly_better


def make_predictions(classes, images, accuracy, seed=0, order=None):
    """Labels of the same number of images a class, and predictions of a model of that accuracy.

    Of a wrong one, `order` gives the output of each class.
    """
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), images)
    right = generator.random(len(labels)) < accuracy
    predicted = np.where(right, labels, generator.integers(classes, size=len(labels)))
    return labels, predicted if order is None else np.asarray(order)[predicted]


def swapped(classes, *cycle):
    order = np.arange(classes)
    order[list(cycle)] = np.roll(cycle, -1)
    return order


@pytest.mark.parametrize(
    ("classes", "images", "accuracy"), [(10, 51, 0.6), (2, 20, 0.9), (100, 6, 0.9)]
)
def test_two_swapped_classes_are_named(classes, images, accuracy):
    labels, predicted = make_predictions(classes, images, accuracy, order=swapped(classes, 0, 1))
    found = find_order(labels, predicted)
    assert found.outputs == {0: 1, 1: 0}
    assert found.correct == np.sum(labels == predicted) < found.reordered


def test_a_longer_cycle_and_two_of_them_are_named():
    labels, predicted = make_predictions(10, 51, 0.7, order=swapped(10, 2, 5, 7))
    assert find_order(labels, predicted).outputs == {2: 5, 5: 7, 7: 2}
    both = swapped(10, 2, 5)[swapped(10, 0, 8)]
    labels, predicted = make_predictions(10, 51, 0.7, order=both)
    assert find_order(labels, predicted).outputs == {0: 8, 8: 0, 2: 5, 5: 2}


def test_a_wholly_wrong_order_is_found_with_few_images_a_class():
    order = np.random.default_rng(1).permutation(100)
    labels, predicted = make_predictions(100, 5, 0.8, order=order)
    assert len(find_order(labels, predicted).outputs) > 80


def test_classes_without_images_may_take_part():
    """The images of class 1 are the output 3, which has no class with images."""
    labels = np.repeat([0, 1, 2], 30)
    predicted = np.repeat([0, 3, 2], 30)
    found = find_order(labels, predicted)
    assert found.outputs == {1: 3}
    names = [f"c{number}" for number in range(1000)]
    assert "'c1' is output 3 (" in describe_order(found, names, 90)


@pytest.mark.parametrize("accuracy", [0.0, 0.1, 0.5, 0.95])
@pytest.mark.parametrize(
    ("classes", "images"), [(2, 256), (3, 5), (10, 1), (10, 51), (100, 5), (1000, 1)]
)
def test_no_right_order_is_suspected(classes, images, accuracy):
    seeds = range(2 if classes == 1000 else 25)
    found = [find_order(*make_predictions(classes, images, accuracy, s)) for s in seeds]
    assert not any(found)


def test_classes_that_are_alike_are_no_wrong_order():
    """Half of the images of each of two classes are taken for the other, by and large."""
    for seed in range(20):
        generator = np.random.default_rng(seed)
        labels = np.repeat(np.arange(10), 200)
        predicted = labels.copy()
        alike = labels < 2
        other = generator.random(alike.sum()) < 0.55
        predicted[alike] = np.where(other, 1 - labels[alike], labels[alike])
        assert find_order(labels, predicted) is None


def test_a_model_that_names_one_class_only_has_no_order():
    labels = np.repeat(np.arange(10), 51)
    assert find_order(labels, np.full_like(labels, 3)) is None


def test_a_few_of_very_many_classes_cost_no_memory():
    labels = np.repeat([0, 10**6, 10**7], 20)
    predicted = np.repeat([10**6, 0, 10**7], 20)
    assert find_order(labels, predicted).outputs == {0: 10**6, 10**6: 0}


def test_the_message_names_what_to_do():
    labels, predicted = make_predictions(3, 50, 1.0, order=[0, 2, 1])
    names = ["airplane", "bird", "car"]
    assert describe_order(find_order(labels, predicted), names, 150) == (
        "'bird' and 'car' look swapped: 'car' sorts behind 'bird', and the model has it before "
        "(33.3% of the calibration images are right, and 100.0% in that order); set "
        "dataset.classes to a file with the names in the order of the outputs"
    )
    labels, predicted = make_predictions(3, 50, 1.0, order=[1, 2, 0])
    text = describe_order(find_order(labels, predicted), names, 150)
    assert text.startswith("classes 'airplane', 'bird', 'car' look rotated (0.0% of")
    labels, predicted = make_predictions(10, 50, 1.0, order=np.roll(np.arange(10), 1))
    text = describe_order(find_order(labels, predicted), list("abcdefghij"), 500)
    assert "order than the outputs: 'a' is output 9, " in text and " and 7 more (" in text


def test_the_test_is_exact():
    nothing, all_right = np.zeros(10, bool), np.ones(10, bool)
    assert is_clearly_better(nothing, all_right)  # 1 of 1,024
    assert not is_clearly_better(nothing, all_right, 0.0005)
    assert not is_clearly_better(nothing[:9], all_right[:9])
    assert not is_clearly_better(all_right, nothing)
