"""How many images are in a batch."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import make_classifier
from ptq_comparison.inference.batch_size import (
    MOST_FETCHED,
    MOST_PREDICTED,
    PACKAGES,
    choose_batch_size,
)

MODEL = make_classifier(side=224)
IMAGES = np.broadcast_to(np.uint8(0), (10, 224, 224, 3))


def choose(memory_mb, asked=None, model=MODEL, images=IMAGES, fetches_all=False):
    params = SimpleNamespace(
        batch_size=asked, memory_mb=memory_mb, preprocessing={"layout": "auto"}
    )
    return choose_batch_size(model, images, params, fetches_all)


def test_what_is_asked_for_wins():
    assert choose(1, asked=13) == choose(10**6, asked=13, fetches_all=True) == 13


def test_more_memory_gives_larger_batches_up_to_a_most():
    sizes = [choose(memory) for memory in (1, 200, 300, 400, 10**5)]
    assert sizes[0] == 1 and sizes[-1] == MOST_PREDICTED
    assert sizes == sorted(set(sizes))
    assert choose(10**5, fetches_all=True) == MOST_FETCHED


@pytest.mark.parametrize("fetches_all", [False, True])
def test_a_batch_fits_beside_the_packages(fetches_all):
    """Twice what is left is room for twice the images, and for no more."""
    few, many = (choose((PACKAGES + left) / 1e6, fetches_all=fetches_all) for left in (40e6, 80e6))
    assert 1 < few <= many / 2 <= few + 1


def test_fetching_all_tensors_takes_smaller_batches():
    assert choose(300, fetches_all=True) < choose(300)


def test_larger_images_take_smaller_batches():
    model = make_classifier(side="side")
    small, large = (
        choose(250, model=model, images=np.broadcast_to(np.uint8(0), (1, side, side, 3)))
        for side in (112, 224)
    )
    assert large < small


def test_a_larger_model_takes_smaller_batches():
    larger = make_classifier(side=224)
    larger.doc_string = "*" * 5_000_000
    assert choose(300, model=larger) < choose(300)
