"""Top-5, some of the classes, two classes and the calibration error, against plain formulas."""

import numpy as np
import pytest
from ptq_comparison.evaluation.probabilities import are_probabilities, probabilities, softmax
from ptq_comparison.evaluation.score_metrics import (
    are_tied,
    expected_calibration_error,
    roc_auc,
    score_metrics,
    summarize,
    ties,
)
from ptq_comparison.evaluation.stored_scores import StoredScores
from scipy.stats import mannwhitneyu

GENERATOR = np.random.default_rng(11)


def in_blocks(scores):
    return np.array_split(scores, 7)


def make_scores(count, classes, coarse):
    """Return logits and labels; of `coarse` ones many are equal, as in 8 bits."""
    labels = GENERATOR.integers(0, classes, count)
    scores = GENERATOR.normal(size=(count, classes)) + 2 * np.eye(classes)[labels]
    return np.float32(np.round(scores, 0 if coarse else 6)), labels


@pytest.mark.parametrize("coarse", [False, True])
def test_top5_takes_the_lower_class_of_equal_scores(coarse):
    scores, labels = make_scores(300, 60, coarse)
    own = summarize(in_blocks(scores), labels, np.arange(60), of_probabilities=False)
    order = np.argsort(-scores, axis=1, kind="stable")
    expected = int((order[:, :5] == labels[:, None]).sum())
    assert np.array_equal(own.predicted, scores.argmax(axis=1))
    assert np.array_equal(own.predicted == labels, own.ranks == 0)
    metrics = score_metrics(own, own, labels, [f"c{n}" for n in range(60)])
    assert metrics["top5"]["correct"] == expected and 50 < expected < 290
    assert metrics["top5"]["top5"] == expected / 300 and metrics["top5"]["delta_pp"] == 0
    assert metrics["two_classes"] is None


def test_top5_stands_beside_top1_from_50_classes_on():
    for classes in (49, 50):
        scores, labels = make_scores(100, classes, False)
        own = summarize([scores], labels, np.unique(labels), False)
        metrics = score_metrics(own, None, labels, ["c"] * classes)
        assert (metrics["top5"] is not None) == (classes == 50)


def test_some_of_the_classes_are_also_compared_among_themselves():
    scores, labels = make_scores(400, 40, False)
    kept = labels % 4 == 0
    scores, labels = scores[kept], labels[kept]
    present = np.unique(labels)
    own = summarize(in_blocks(scores), labels, present, False)
    fp32 = own._replace(among_present=labels)
    found = score_metrics(own, fp32, labels, ["c"] * 40)["present_classes"]
    among = np.where(np.isin(np.arange(40), present), scores, -np.inf).argmax(axis=1)
    assert found["correct"] == (among == labels).sum() > (own.predicted == labels).sum()
    assert (found["classes"], found["outputs"]) == (10, 40)
    assert found["delta_pp"] == pytest.approx(100 * (found["top1"] - 1))
    low, high = found["ci95"]
    assert low < found["top1"] < high
    one = labels == labels[0]
    own = summarize([scores[one]], labels[one], present[:1], False)
    assert score_metrics(own, None, labels[one], ["c"] * 40)["present_classes"] is None


@pytest.mark.parametrize("levels", [1, 4, 10**6])
def test_auc_equals_the_mann_whitney_statistic(levels):
    positive = GENERATOR.random(200) < 0.3
    scores = np.round(GENERATOR.normal(size=200) + positive, 6) * levels // levels
    expected = mannwhitneyu(scores[positive], scores[~positive]).statistic
    assert roc_auc(scores, positive) == pytest.approx(
        expected / (positive.sum() * (~positive).sum())
    )
    pairs = scores[positive][:, None] - scores[~positive]
    assert roc_auc(scores, positive) == pytest.approx(np.mean((pairs > 0) + (pairs == 0) / 2))
    assert roc_auc(scores, np.zeros(200, bool)) is None is roc_auc(scores, np.ones(200, bool))


def of_two(scores, labels, of_probabilities):
    own = summarize([np.float32(scores)], np.array(labels), np.unique(labels), of_probabilities)
    return score_metrics(own, None, np.array(labels), ["cat", "dog"])["two_classes"]


def test_precision_recall_and_f1_are_those_of_the_second_class():
    p = np.array([0.1, 0.2, 0.6, 0.7, 0.8, 0.3])
    found = of_two(np.transpose([1 - p, p]), [0, 0, 0, 1, 1, 1], of_probabilities=True)
    assert found == {
        "positive": "dog",
        "precision": pytest.approx(2 / 3),
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(2 / 3),
        "auc": pytest.approx(8 / 9),
    }
    never = of_two([[1, 0], [1, 0]], [0, 0], of_probabilities=True)
    assert never == dict.fromkeys(("precision", "recall", "f1", "auc"), None) | {"positive": "dog"}
    missed = of_two([[1, 0], [1, 0]], [0, 1], of_probabilities=True)
    assert (missed["precision"], missed["recall"], missed["f1"]) == (None, 0.0, 0.0)
    assert missed["auc"] == 0.5


def test_images_are_ranked_by_the_probability_of_the_second_class():
    logits, labels = make_scores(300, 2, False)
    logits += GENERATOR.normal(size=(300, 1)).astype(np.float32)  # which softmax does not see
    expected = roc_auc(softmax(logits)[:, 1], labels == 1)
    assert of_two(logits, labels, of_probabilities=False)["auc"] == pytest.approx(expected)
    tiny = np.float32([1e-20, 1e-19, 1e-18, 1e-17])
    found = of_two(np.transpose([1 - tiny, tiny]), [0, 1, 0, 1], of_probabilities=True)
    assert found["auc"] == 0.75


def test_calibration_error_equals_a_loop_over_bins():
    confidences = np.concatenate([GENERATOR.uniform(0.1, 1, 500), [0.2, 0.4, 1.0, 0.0]])
    right = GENERATOR.random(504) < confidences**2
    expected = 0.0
    for number in range(15):
        low, high = number / 15, (number + 1) / 15
        inside = (confidences > low if number else confidences >= 0) & (confidences <= high)
        if inside.any():
            gap = abs(right[inside].mean() - confidences[inside].mean())
            expected += inside.mean() * gap
    assert expected_calibration_error(confidences, right) == pytest.approx(expected, abs=1e-12)
    assert expected > 0.05
    assert expected_calibration_error(np.ones(3), np.ones(3, bool)) == 0


def test_scores_of_float32_tell_probabilities_from_logits():
    p = softmax(make_scores(20, 5, False)[0]).astype(np.float32)
    assert are_probabilities(p)
    for other in (p - 0.3, 2 * p, 1 / (1 + np.exp(-p))):
        assert not are_probabilities(other)


def test_rounded_probabilities_sum_to_one_again():
    rounded = np.float32([[0.5, 0.25, 0], [0, 0, 0], [1, 0, -0.004]])
    expected = [[2 / 3, 1 / 3, 0], [1 / 3] * 3, [1, 0, 0]]
    assert np.allclose(probabilities(rounded, of_probabilities=True), expected)
    assert np.allclose(probabilities(rounded, of_probabilities=False), softmax(rounded))


@pytest.mark.parametrize("shape", [(1, 2), (1000, 700), (3, 300_000)])
def test_stored_scores_are_read_in_parts(tmp_path, shape):
    scores = GENERATOR.random(shape, np.float32)
    np.savez(tmp_path / "a.npz", predicted=scores.argmax(axis=1), scores=scores)
    stored = StoredScores(tmp_path / "a.npz")
    blocks = list(stored)
    assert np.array_equal(np.concatenate(blocks), scores)
    assert len(blocks) > 1 or shape[0] == 1
    assert len(list(stored)) == len(blocks)  # it can be read again


def test_a_tie_is_a_highest_score_that_several_classes_share():
    scores = np.float32([[1, 3, 3], [3, 1, 1], [2, 2, 2], [0, -1, 5], [-0.0, 0.0, -1]])
    assert are_tied(scores).tolist() == [True, False, True, False, True]
    assert ties(are_tied(scores)) == {"images": 3, "share": 0.6}
    near = np.float32([[1.0, np.nextafter(np.float32(1), np.float32(2)), 0.0]])
    assert ties(are_tied(near)) == {"images": 0, "share": 0.0}


@pytest.mark.parametrize("coarse", [False, True])
def test_ties_are_counted_over_all_blocks(coarse):
    """In coarse scores, as those of 8 bits, they are frequent; in exact ones there are none."""
    scores, labels = make_scores(500, 6, coarse)
    own = summarize(in_blocks(scores), labels, np.arange(6), False)
    expected = sum(sorted(row)[-1] == sorted(row)[-2] for row in scores.tolist())
    found = score_metrics(own, own, labels, ["c"] * 6)["ties"]
    assert found == {"images": expected, "share": expected / 500}
    assert (expected > 20) == coarse
    # The other order of the classes predicts another class for tied images, and for no others.
    turned = 5 - scores[:, ::-1].argmax(axis=1)
    assert np.array_equal(turned != own.predicted, own.tied)
