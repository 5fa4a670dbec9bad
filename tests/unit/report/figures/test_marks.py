"""Marks of a figure with many of them."""

import numpy as np
from ptq_comparison.report.figures.marks import gather


def test_near_places_are_one_mark_and_no_two_marks_are_near():
    places = np.random.default_rng(0).random((200, 2)) * [1, 10]
    marks = gather(places, 1.0)
    assert sorted(row for mark in marks for row in mark.rows) == list(range(200))
    centres = places[[mark.row for mark in marks]]
    distances = np.linalg.norm(centres[:, None] - centres, axis=2)
    assert distances[~np.eye(len(marks), dtype=bool)].min() >= 1.0
    for mark in marks:
        assert mark.rows[0] == mark.row
        assert np.linalg.norm(places[mark.rows] - places[mark.row], axis=1).max() < 1.0


def test_the_first_row_keeps_its_place():
    marks = gather(np.array([[0.0, 0.0], [0.4, 0.0], [2.0, 0.0], [0.0, 0.0]]), 1.0)
    assert [(mark.row, mark.rows) for mark in marks] == [(0, [0, 1, 3]), (2, [2])]
