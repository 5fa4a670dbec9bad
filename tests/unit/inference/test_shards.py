"""Shards of the images: whole batches, each image once."""

from itertools import chain

import numpy as np
import pytest
from helpers import RAW, make_classifier, make_images
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.shards import Part, share

IMAGES, _ = make_images(53, seed=4)


def contents(batches):
    return [(batch.images, batch.inputs["image"].tobytes()) for batch in batches]


@pytest.mark.parametrize("count", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("fixed", [None, 7])
def test_shards_hold_the_same_batches(count, fixed):
    """Also of a model with a fixed batch size, and of more shards than batches."""
    model = make_classifier(batch=fixed or "batch")
    batches = Batches.of(IMAGES, model, RAW, 10)
    shards = [share(batches, number, count) for number in range(1, count + 1)]
    assert list(chain.from_iterable(contents(shard) for shard, _ in shards)) == contents(batches)
    places = [list(range(53))[part] for _, part in shards]
    assert list(chain.from_iterable(places)) == list(range(53))
    assert [len(shard.images) for shard, _ in shards] == list(map(len, places))
    if count <= 6:
        assert max(map(len, places)) - min(map(len, places)) <= 2 * (fixed or 10)


def test_images_are_read_when_they_are_asked_for():
    read = []

    class Files:
        shape = (20, 2, 2, 3)

        def __len__(self):
            return 20

        def __getitem__(self, index):
            read.append(index)
            return np.arange(20)[index]

    part = Part(Files(), 5, 15)
    assert (part.shape, len(part), read) == ((10, 2, 2, 3), 10, [])
    assert part[2:4].tolist() == [7, 8]
    assert part[8:100].tolist() == [13, 14]
    assert part[:].tolist() == list(range(5, 15))
    assert len(read) == 3
