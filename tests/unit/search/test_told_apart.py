"""Which recipes the images tell apart: simulated sweeps with known answers.

`pytest -s` prints how many of them call a recipe worse that is not, and how many find one that is.
"""

import time
from functools import cache

import numpy as np
import pytest
from helpers.sweeps import draw_agreements
from ptq_comparison.evaluation.metrics import holm, mcnemar_exact_p
from ptq_comparison.search.told_apart import (
    not_worse,
    not_worse_of_few,
    read_agreements,
    worse_p,
)

SWEEPS = 200
exact_p = cache(mcnemar_exact_p)
# Recipes, images, agreement, share of the difficulty that is of the image, of a group of recipes.
SCENES = {
    "independent": (10, 1000, 0.97, 0.0, 0.0),
    "independent, many": (50, 1000, 0.97, 0.0, 0.0),
    "similar": (10, 1000, 0.98, 0.7, 0.0),
    "similar, many": (50, 1000, 0.98, 0.7, 0.0),
    "high agreement": (10, 2000, 0.995, 0.8, 0.0),
    "high agreement, many": (50, 2000, 0.995, 0.8, 0.0),
    "low agreement": (10, 400, 0.7, 0.5, 0.0),
    "groups of twins": (50, 2000, 0.98, 0.5, 0.45),
}


def against_the_best(agrees):
    """Tell whether tests against the best of the same images, with Holm, call any recipe worse."""
    best = agrees[agrees.sum(axis=1).argmax()]
    counts = zip((best & ~agrees).sum(axis=1), (~best & agrees).sum(axis=1), strict=True)
    return min(holm([exact_p(*map(int, count)) for count in counts])) < 0.05


@pytest.mark.parametrize("scene", SCENES)
def test_of_equal_recipes_none_is_called_worse_in_95_of_100_sweeps(scene):
    generator = np.random.default_rng(0)
    own = old = 0
    for _ in range(SWEEPS):
        agrees = draw_agreements(generator, *SCENES[scene])
        own += bool(worse_p(agrees, draws=500).min() < 0.05)
        old += against_the_best(agrees)
    print(
        f"{scene} {SCENES[scene]}: an equal recipe is called worse in {own / SWEEPS:.1%} of "
        f"{SWEEPS} sweeps; against the best of the same images with Holm {old / SWEEPS:.1%}"
    )
    assert own / SWEEPS <= 0.05


def test_equal_ones_are_kept_beside_clearly_worse_ones():
    """Worse recipes leave the family, step by step, which may not cost the equal ones."""
    generator = np.random.default_rng(1)
    false = found = 0
    for _ in range(SWEEPS):
        agrees = draw_agreements(generator, 20, 2000, 0.98, 0.7, 0.0)
        agrees[10:] &= generator.random((10, 2000)) > 0.02
        p = worse_p(agrees, draws=500)
        false += bool(p[:10].min() < 0.05)
        found += int(np.sum(p[10:] < 0.05))
    print(f"equal called worse: {false / SWEEPS:.1%}; worse ones found: {found / SWEEPS / 10:.1%}")
    assert false / SWEEPS <= 0.05
    assert found / SWEEPS / 10 >= 0.9


@pytest.mark.parametrize("loss", [0.005, 0.01, 0.02])
def test_it_finds_more_than_holm_of_all_pairs(loss):
    """50 recipes that are alike, half of which agree less often."""
    generator = np.random.default_rng(2)
    own = pairs = 0
    sweeps = 5
    for _ in range(sweeps):
        agrees = draw_agreements(generator, 50, 4000, 0.985, 0.5, 0.45)
        agrees[25:] &= generator.random((25, 4000)) > loss
        named = {str(number): row for number, row in enumerate(agrees)}
        own += sum(int(name) >= 25 for name in set(named) - set(not_worse("0", named)) - {"0"})
        kept = {"0", *not_worse_of_few("0", named)}
        pairs += sum(int(name) >= 25 for name in set(named) - kept)
    own, pairs = own / sweeps / 25, pairs / sweeps / 25
    print(f"{loss:.1%} less: found {own:.1%}, with Holm's correction of all pairs {pairs:.1%}")
    assert own >= pairs
    assert own > 0.9 or loss < 0.02


def test_a_clearly_worse_recipe_is_told_and_a_near_one_is_not():
    agrees = {name: np.ones(1000, bool) for name in ("best", "near", "far", "twin")}
    agrees["near"][:5] = False
    agrees["far"][:40] = False
    assert not_worse("best", agrees) == ["near", "twin"]
    assert not_worse_of_few("best", agrees) == ["near", "twin"]
    # It is the best of these that counts, whichever is chosen.
    assert not_worse("twin", agrees) == ["best", "near"]


@pytest.mark.parametrize("behind", range(3, 12))
def test_two_recipes_are_told_apart_by_the_exact_test(behind):
    agrees = {"best": np.ones(50, bool), "other": np.arange(50) >= behind}
    told = mcnemar_exact_p(0, behind) < 0.05
    assert not_worse("best", agrees) == ([] if told else ["other"])


def test_two_of_three_are_nearly_tested_as_two():
    """A recipe that equals the best one on every image is no comparison of its own."""
    agrees = np.ones((3, 50), bool)
    for behind in range(4, 12):
        agrees[2, :behind] = False
        p = worse_p(agrees)
        # The continuity correction makes it larger, as of one image less at most.
        least, most = mcnemar_exact_p(0, behind), mcnemar_exact_p(0, behind - 1)
        assert 0.9 * least - 0.001 <= p[2] <= 1.1 * most + 0.001  # random draws
        assert p[:2].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_recipes_that_do_not_differ_are_all_kept(count):
    names = "abc"[:count]
    for right in (np.ones(20, bool), np.zeros(20, bool), np.arange(20) > 7):
        agrees = dict.fromkeys(names, right)
        assert not_worse("a", agrees) == not_worse_of_few("a", agrees) == list(names[1:])


def test_sixty_recipes_on_5000_images_take_less_than_a_second_and_always_give_the_same():
    agrees = draw_agreements(np.random.default_rng(3), 60, 5000, 0.98, 0.7, 0.0)
    begin = time.process_time()
    first = worse_p(agrees)
    assert time.process_time() - begin < 1
    assert first.tolist() == worse_p(agrees).tolist()
    assert worse_p(agrees[::-1])[::-1] == pytest.approx(first, abs=0.03)  # other draws


def test_agreements_are_read_without_recipes_that_could_not_be_made(tmp_path):
    for name, predicted in {"fp32": [0, 1, 2], "a": [0, 1, 1], "lost": []}.items():
        np.savez(tmp_path / f"{name}.npz", predicted=np.array(predicted))
    paths = [tmp_path / "lost.npz", tmp_path / "a.npz"]
    found = read_agreements(["lost", "a"], paths, tmp_path / "fp32.npz", {"lost": "no kernel"})
    assert {name: list(row) for name, row in found.items()} == {"a": [True, True, False]}
