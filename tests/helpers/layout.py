"""Where the texts of a figure lie."""

import itertools

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text


def check_layout(figure: Figure, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert that no text is cut off or written over another; `title` names a figure that fails."""
    drawn = []
    draw = Text.draw
    with monkeypatch.context() as patch:
        patch.setattr(
            Text, "draw", lambda self, renderer: (drawn.append(self), draw(self, renderer))
        )
        figure.draw_without_rendering()  # lays out
        drawn.clear()
        figure.draw_without_rendering()
    texts = [text for text in drawn if text.get_text().strip() and text.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    assert len(boxes) > 5, title
    page = figure.bbox.padded(1)
    for text, box in boxes:
        assert page.x0 <= box.x0 and box.x1 <= page.x1, (title, text)
        assert page.y0 <= box.y0 and box.y1 <= page.y1, (title, text)
    # The boxes of slanted names overlap, the names do not.
    straight = [box for text, box in zip(texts, boxes, strict=True) if not text.get_rotation() % 90]
    for (one, box), (other, second) in itertools.combinations(straight, 2):
        overlap = box.intersection(box.padded(-1), second.padded(-1))
        assert overlap is None, (title, one, other)
