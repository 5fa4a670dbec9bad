"""Marks of a figure with many of them: near ones are one mark, so that none covers another."""

from typing import NamedTuple

import numpy as np


class Mark(NamedTuple):
    """The row whose place the mark has, and all rows that it stands for, itself the first."""

    row: int
    rows: list[int]


def gather(places: np.ndarray, radius: float) -> list[Mark]:
    """Return marks whose places are at least `radius` apart, for all rows.

    `places` are float64 (rows, 2), in the unit of the radius, the most important row first: it
    keeps its place, and takes in those that are nearer than the radius.
    """
    marks: list[Mark] = []
    for row, place in enumerate(places):
        distances = [np.hypot(*(place - places[mark.row])) for mark in marks]
        if distances and min(distances) < radius:
            marks[int(np.argmin(distances))].rows.append(row)
        else:
            marks.append(Mark(row, [row]))
    return marks
