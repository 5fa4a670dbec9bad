"""Drawing in integers, for the data set ``shapes``: every machine must make the same bytes.

Everything works on a block of 100 images at once: the first axis of every array.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SIDE = 32
BLOCK = 100  # images; a multiple of the classes, and small enough to stay in the CPU's cache
ONE = 1024  # fixed-point 1 of sines and cosines
UNIT = 256  # fixed-point 1 of a shape's own coordinates: its radius
TURN = 240  # steps of a full turn, divisible by 3, 5 and 6 for the corners of polygons
_COS = np.array([round(ONE * math.cos(2 * math.pi * k / TURN)) for k in range(TURN)], np.int32)

Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


def draw(rng: np.random.Generator, low: int, high: int, channels: int = 0) -> Ints:
    """Uniform integers from low to high - 1, int32 (100,) or (100, channels)."""
    return rng.integers(low, high, (BLOCK, channels) if channels else BLOCK, dtype=np.int32)


def cosine(turn: Ints) -> Ints:
    """Cosine of an angle in 1/240 turns, in 1/1024, int32 of the same shape."""
    return _COS[turn % TURN]


def sine(turn: Ints) -> Ints:
    """Sine of an angle in 1/240 turns, in 1/1024, int32 of the same shape."""
    return _COS[(turn - TURN // 4) % TURN]


def coordinates(
    rng: np.random.Generator, centre_x: Ints, centre_y: Ints, radius_x: Ints, radius_y: Ints
) -> tuple[Ints, Ints]:
    """Randomly rotated coordinates of 2x2 points a pixel, in 1/256 radius, each (100, 64, 64).

    Centres and radii are given in quarter pixels, (100,).
    """
    turn = draw(rng, 0, TURN)
    points = np.arange(1, 4 * SIDE, 2, dtype=np.int32)
    right, down = points - centre_x[:, None], points - centre_y[:, None]
    x_right, x_down = cosine(turn) * UNIT // radius_x, sine(turn) * UNIT // radius_x
    y_right, y_down = -sine(turn) * UNIT // radius_y, cosine(turn) * UNIT // radius_y
    x = (x_right[:, None] * right)[:, None, :] + (x_down[:, None] * down)[:, :, None]
    y = (y_right[:, None] * right)[:, None, :] + (y_down[:, None] * down)[:, :, None]
    return x // ONE, y // ONE


def is_inside(name: str, x: Ints, y: Ints) -> Mask:
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
    turns = np.arange(corners, dtype=np.int32) * (TURN // corners)
    return [(x * c + y * s) // ONE for c, s in zip(cosine(turns), sine(turns), strict=True)]


def background(rng: np.random.Generator, first: Ints, second: Ints) -> Ints:
    """Plain, graded or striped ground between two colours (100, 3), int32 (100, 32, 32, 3)."""
    kind, turn = draw(rng, 0, 3), draw(rng, 0, TURN)
    # 256 steps are half a period of the stripes: graded grounds change once over the image.
    steps = np.where(kind == 1, 8, draw(rng, 24, 100))
    pixels = np.arange(SIDE, dtype=np.int32)
    right, down = (cosine(turn) * steps)[:, None] * pixels, (sine(turn) * steps)[:, None] * pixels
    phase = (right[:, None, :] + down[:, :, None]) // ONE + draw(rng, 0, 512)[:, None, None]
    smooth = np.abs(phase % 512 - 256)
    sharp = np.clip(4 * smooth - 384, 0, 256)
    kind = kind[:, None, None]
    share = np.where(kind == 0, 0, np.where(kind == 1, smooth, sharp))[..., None]
    ground: Ints = first[:, None, None] + (second - first)[:, None, None] * share // 256
    return ground


def paint(image: Ints, mask: Mask, colour: Ints) -> Ints:
    """The image with a colour laid where the mask, at 2x2 points a pixel, is true."""
    points = mask.astype(np.int32)
    rows = points[:, ::2] + points[:, 1::2]
    share = (rows[:, :, ::2] + rows[:, :, 1::2])[..., None]
    painted: Ints = (image * (4 - share) + colour[:, None, None] * share + 2) // 4
    return painted
