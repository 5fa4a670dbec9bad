"""Procedural data set ``shapes``: ten classes of geometric shapes, 32x32 RGB, made on the spot.

Every image is a shape of random place, size, rotation, stretch and colour on a plain, graded or
striped background, often partly covered by a bar, with noise. Only integers take part, from the
draws to the pixels, so that every machine makes the same bytes. Images are made in blocks, each
with its own random generator, so that image i of a stream never depends on how many are asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptq_comparison.datasets.shapes_drawing import (
    BLOCK,
    ONE,
    SIDE,
    TURN,
    UNIT,
    background,
    coordinates,
    cosine,
    draw,
    is_inside,
    paint,
    sine,
)

CLASS_NAMES: tuple[str, ...] = (
    "disc",
    "ring",
    "square",
    "frame",
    "triangle",
    "cross",
    "star",
    "crescent",
    "bars",
    "hexagon",
)
STREAM_SIZES: dict[str, int] = {
    "train": 30_000,
    "validation": 5_000,
    "calibration": 5_000,
    "test": 10_000,
}

_SEED = 42


def generate(stream: str, count: int | None = None) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make the first ``count`` images of a stream (all of them if None) and their labels.

    The classes take turns, so that every multiple of ten images is exactly balanced.

    Returns:
        images, uint8 (count, 32, 32, 3), RGB; labels, int64 (count,), indices into CLASS_NAMES.

    Raises:
        ValueError: the stream is not one of STREAM_SIZES, or ``count`` does not lie between 0 and
            the stream's size.
    """
    if stream not in STREAM_SIZES:
        raise ValueError(f"shapes has no stream {stream!r}; allowed: {', '.join(STREAM_SIZES)}")
    size = STREAM_SIZES[stream]
    count = size if count is None else count
    if not 0 <= count <= size:
        raise ValueError(f"shapes stream {stream!r} holds 0 to {size} images, not {count}")
    stream_id = list(STREAM_SIZES).index(stream)
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for start in range(0, count, BLOCK):
        seed = np.random.SeedSequence([_SEED, stream_id, start // BLOCK])
        block = _make_block(np.random.Generator(np.random.PCG64(seed)))
        images[start : start + BLOCK] = block[: count - start]
    return images, np.arange(count, dtype=np.int64) % len(CLASS_NAMES)


def _make_block(rng: np.random.Generator) -> NDArray[np.uint8]:
    """One block of images, uint8 (100, 32, 32, 3), with class ``i % 10`` at place i."""
    centre_x, centre_y = draw(rng, 49, 80), draw(rng, 49, 80)  # in quarter pixels
    radius = draw(rng, 29, 61)
    x, y = coordinates(rng, centre_x, centre_y, radius, radius * draw(rng, 11, 17) // 16)
    inside = np.empty(x.shape, np.bool_)
    for label, name in enumerate(CLASS_NAMES):
        own = slice(label, None, len(CLASS_NAMES))
        inside[own] = is_inside(name, x[own], y[own])

    # A bar whose middle lies near the rim of the shape; about one image in three has none.
    rim = draw(rng, 0, TURN)
    bar_x = centre_x + radius * cosine(rim) // ONE
    bar_y = centre_y + radius * sine(rim) // ONE
    half_width = np.maximum(draw(rng, -8, 19), 1)
    u, v = coordinates(rng, bar_x, bar_y, half_width, draw(rng, 20, 90))
    covered = (np.abs(u) < UNIT) & (np.abs(v) < UNIT) & (half_width > 1)[:, None, None]

    # Each colour channel of the shape departs from the background towards the roomier side.
    ground = draw(rng, 0, 256, 3)
    contrast = np.where(ground < 128, 1, -1) * draw(rng, 10, 119, 3)
    second = np.clip(ground + draw(rng, -60, 61, 3), 0, 255)
    image = background(rng, ground, second)
    image = paint(image, inside, ground + contrast)
    image = paint(image, covered, draw(rng, 0, 256, 3))

    # The sum of four uniform bytes is near a normal distribution (mean 510, deviation 148).
    noise = rng.integers(0, 256, (4, *image.shape), dtype=np.uint8).sum(axis=0, dtype=np.int32)
    image += (noise - 510) * draw(rng, 4, 24)[:, None, None, None] // 148
    return np.clip(image, 0, 255).astype(np.uint8)
