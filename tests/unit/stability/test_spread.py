"""Statistics of draws, against scipy and against draws with a known answer."""

import json

import numpy as np
import pytest
from helpers.draws import draws_of, make_compared, make_row
from ptq_comparison.common.errors import UserError
from ptq_comparison.stability.results import read_draws
from ptq_comparison.stability.spread import (
    equal_spread_p,
    rows_by_model,
    sampling_error_pp,
    spread,
)
from scipy import stats


def test_the_deviation_is_that_of_a_sample():
    found = spread([-1.0, 0.0, 4.0])
    assert found == pytest.approx((1.0, np.std([-1, 0, 4], ddof=1), -1.0, 4.0))


def test_the_sampling_error_is_that_of_paired_images():
    """Of `fixed - broken` among independent images, by simulation."""
    row = {**make_compared(0.0, 0.98), "fixed": 20, "broken": 60, "total": 1000}
    drawn = np.random.default_rng(1).multinomial(1000, [0.02, 0.06, 0.92], size=20_000)
    simulated = 100 * np.std(drawn[:, 0] - drawn[:, 1]) / 1000
    assert sampling_error_pp([row]) == pytest.approx(simulated, rel=0.03)
    assert sampling_error_pp([{**row, "fixed": 0, "broken": 0}]) == 0


def test_equal_spreads_are_rarely_told_apart_and_others_mostly():
    """Of correlated pairs: the level of the test in 2,000 trials, and its power."""
    generator = np.random.default_rng(7)

    def share(ratio):
        found = 0
        for _ in range(2000):
            shared, a, b = generator.normal(size=(3, 20))
            found += equal_spread_p(shared + a, ratio * (shared + b)) < 0.05
        return found / 2000

    assert 0.035 <= share(1.0) <= 0.065
    assert share(2.5) > 0.9


def test_the_test_is_near_that_of_students_distribution():
    a, b = np.random.default_rng(3).normal(size=(2, 20)) * [[1.0], [1.6]]
    expected = stats.pearsonr(a + b, a - b).pvalue
    assert equal_spread_p(a, b) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1.0, 2.0, 3.0, 4.0], [1.0, 20.0, 3.0, 40.0]),  # too few
        ([1.0] * 9, [1.0] * 9),
        ([1.0, 2.0] * 5, [1.0, 2.0] * 5),
    ],
)
def test_what_cannot_be_told_apart_has_a_p_of_1(first, second):
    assert equal_spread_p(first, second) == 1.0


def test_rows_keep_the_order_of_draws_and_models():
    draws = draws_of(int8=[-1.0, -2.0], uint8=[0.5, 0.0])
    rows = rows_by_model(draws)
    assert list(rows) == ["int8", "uint8"]
    assert [row["delta_pp"] for row in rows["int8"]] == [-1.0, -2.0]


def test_files_of_two_kinds_become_one_draw_a_seed(tmp_path):
    configured, recipes = [], []
    for number, draw in enumerate(draws_of(int8=[-1.0, -2.0])):
        for paths, kind, models in (
            (configured, "a", draw["models"]),
            (recipes, "b", [make_row("recommended", 0.0, recipe="gptq")]),
        ):
            path = tmp_path / f"{kind}{number}.json"
            path.write_text(json.dumps({**draw, "models": models}))
            paths.append(path)
    draws = read_draws(configured, recipes)
    assert [[row["model"] for row in draw["models"]] for draw in draws] == [
        ["int8", "recommended"]
    ] * 2
    assert read_draws(configured, [])[1]["models"][0]["delta_pp"] == -2.0

    other = json.loads(recipes[1].read_text())
    recipes[1].write_text(json.dumps({**other, "runtime": {"cpu": "another"}}))
    with pytest.raises(UserError, match=r"b1.json: was made on another CPU"):
        read_draws(configured, recipes)
