"""Procedural data set ``shapes``: ten classes of geometric shapes, 32x32 RGB, made on the spot.

Every image is a shape of random place, size, rotation, stretch and colour on a plain, graded or
striped background, often partly covered by a bar, with noise. Only integers take part, from the
draws to the pixels, so that every machine makes the same bytes. Images are made in blocks, each
with its own random generator, so that image i of a stream never depends on how many are asked for.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

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
_SIDE = 32
_BLOCK = 100  # images; a multiple of the classes, and small enough to stay in the CPU's cache
_ONE = 1024  # fixed-point 1 of sines and cosines
_UNIT = 256  # fixed-point 1 of a shape's own coordinates: its radius
_TURN = 240  # steps of a full turn, divisible by 3, 5 and 6 for the corners of polygons
_COS = np.array([round(_ONE * math.cos(2 * math.pi * k / _TURN)) for k in range(_TURN)], np.int32)

Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


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
    images = np.empty((count, _SIDE, _SIDE, 3), np.uint8)
    for start in range(0, count, _BLOCK):
        seed = np.random.SeedSequence([_SEED, stream_id, start // _BLOCK])
        block = _make_block(np.random.Generator(np.random.PCG64(seed)))
        images[start : start + _BLOCK] = block[: count - start]
    return images, np.arange(count, dtype=np.int64) % len(CLASS_NAMES)


def _make_block(rng: np.random.Generator) -> NDArray[np.uint8]:
    """One block of images, uint8 (100, 32, 32, 3), with class ``i % 10`` at place i."""
    centre_x, centre_y = _draw(rng, 49, 80), _draw(rng, 49, 80)  # in quarter pixels
    radius = _draw(rng, 29, 61)
    x, y = _coordinates(rng, centre_x, centre_y, radius, radius * _draw(rng, 11, 17) // 16)
    inside = np.empty(x.shape, np.bool_)
    for label, name in enumerate(CLASS_NAMES):
        own = slice(label, None, len(CLASS_NAMES))
        inside[own] = _is_inside(name, x[own], y[own])

    # A bar whose middle lies near the rim of the shape; about one image in three has none.
    rim = _draw(rng, 0, _TURN)
    bar_x = centre_x + radius * _cos(rim) // _ONE
    bar_y = centre_y + radius * _sin(rim) // _ONE
    half_width = np.maximum(_draw(rng, -8, 19), 1)
    u, v = _coordinates(rng, bar_x, bar_y, half_width, _draw(rng, 20, 90))
    covered = (np.abs(u) < _UNIT) & (np.abs(v) < _UNIT) & (half_width > 1)[:, None, None]

    # Each colour channel of the shape departs from the background towards the roomier side.
    ground = _draw(rng, 0, 256, 3)
    contrast = np.where(ground < 128, 1, -1) * _draw(rng, 10, 119, 3)
    second = np.clip(ground + _draw(rng, -60, 61, 3), 0, 255)
    image = _background(rng, ground, second)
    image = _paint(image, inside, ground + contrast)
    image = _paint(image, covered, _draw(rng, 0, 256, 3))

    # The sum of four uniform bytes is near a normal distribution (mean 510, deviation 148).
    noise = rng.integers(0, 256, (4, *image.shape), dtype=np.uint8).sum(axis=0, dtype=np.int32)
    image += (noise - 510) * _draw(rng, 4, 24)[:, None, None, None] // 148
    return np.clip(image, 0, 255).astype(np.uint8)


def _draw(rng: np.random.Generator, low: int, high: int, channels: int = 0) -> Ints:
    """Uniform integers from low to high - 1, int32 (100,) or (100, channels)."""
    return rng.integers(low, high, (_BLOCK, channels) if channels else _BLOCK, dtype=np.int32)


def _cos(turn: Ints) -> Ints:
    return _COS[turn % _TURN]


def _sin(turn: Ints) -> Ints:
    return _COS[(turn - _TURN // 4) % _TURN]


def _coordinates(
    rng: np.random.Generator, centre_x: Ints, centre_y: Ints, radius_x: Ints, radius_y: Ints
) -> tuple[Ints, Ints]:
    """Randomly rotated coordinates of 2x2 points a pixel, in 1/256 radius, each (100, 64, 64).

    Centres and radii are given in quarter pixels, (100,).
    """
    turn = _draw(rng, 0, _TURN)
    points = np.arange(1, 4 * _SIDE, 2, dtype=np.int32)
    right, down = points - centre_x[:, None], points - centre_y[:, None]
    x_right, x_down = _cos(turn) * _UNIT // radius_x, _sin(turn) * _UNIT // radius_x
    y_right, y_down = -_sin(turn) * _UNIT // radius_y, _cos(turn) * _UNIT // radius_y
    x = (x_right[:, None] * right)[:, None, :] + (x_down[:, None] * down)[:, :, None]
    y = (y_right[:, None] * right)[:, None, :] + (y_down[:, None] * down)[:, :, None]
    return x // _ONE, y // _ONE


def _is_inside(name: str, x: Ints, y: Ints) -> Mask:
    """Which points lie in the shape; x and y in 1/256 of its radius, any equal shape."""
    inside: Mask
    if name in ("disc", "ring", "crescent"):
        inside = x * x + y * y < 220**2
        if name == "ring":
            inside &= x * x + y * y > 125**2
        elif name == "crescent":
            inside &= (x - 100) ** 2 + y * y > 190**2
    elif name == "hexagon":
        inside = np.maximum.reduce([np.abs(side) for side in _sides(x, y, 6)[:3]]) < 205
    elif name == "triangle":
        inside = np.maximum.reduce(_sides(x, y, 3)) < 125
    elif name == "star":  # a pentagram holds what is on the inner side of at least 4 of 5 lines
        inside = np.add.reduce([(side < 90).astype(np.uint8) for side in _sides(x, y, 5)]) >= 4
    elif name == "cross":
        x, y = np.abs(x), np.abs(y)
        inside = (np.minimum(x, y) < 72) & (np.maximum(x, y) < 230)
    else:
        across, distance = np.abs(x), np.maximum(np.abs(x), np.abs(y))
        inside = distance < 195
        if name == "frame":
            inside &= distance > 110
        elif name == "bars":
            inside &= (across < 45) | (across > 120)
    return inside


def _sides(x: Ints, y: Ints, corners: int) -> list[Ints]:
    """How far points lie from the centre towards each side of a regular polygon."""
    turns = np.arange(corners, dtype=np.int32) * (_TURN // corners)
    return [(x * c + y * s) // _ONE for c, s in zip(_cos(turns), _sin(turns), strict=True)]


def _background(rng: np.random.Generator, first: Ints, second: Ints) -> Ints:
    """Plain, graded or striped ground between two colours (100, 3), int32 (100, 32, 32, 3)."""
    kind, turn = _draw(rng, 0, 3), _draw(rng, 0, _TURN)
    # 256 steps are half a period of the stripes: graded grounds change once over the image.
    steps = np.where(kind == 1, 8, _draw(rng, 24, 100))
    pixels = np.arange(_SIDE, dtype=np.int32)
    right, down = (_cos(turn) * steps)[:, None] * pixels, (_sin(turn) * steps)[:, None] * pixels
    phase = (right[:, None, :] + down[:, :, None]) // _ONE + _draw(rng, 0, 512)[:, None, None]
    smooth = np.abs(phase % 512 - 256)
    sharp = np.clip(4 * smooth - 384, 0, 256)
    kind = kind[:, None, None]
    share = np.where(kind == 0, 0, np.where(kind == 1, smooth, sharp))[..., None]
    ground: Ints = first[:, None, None] + (second - first)[:, None, None] * share // 256
    return ground


def _paint(image: Ints, mask: Mask, colour: Ints) -> Ints:
    """The image with a colour laid where the mask, at 2x2 points a pixel, is true."""
    points = mask.astype(np.int32)
    rows = points[:, ::2] + points[:, 1::2]
    share = (rows[:, :, ::2] + rows[:, :, 1::2])[..., None]
    painted: Ints = (image * (4 - share) + colour[:, None, None] * share + 2) // 4
    return painted
