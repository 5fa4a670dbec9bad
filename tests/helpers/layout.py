"""Where the texts of a figure lie."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text


def check_layout(
    figure: Figure, title: str, monkeypatch: pytest.MonkeyPatch, least: int = 6
) -> None:
    """Assert that no text is cut off or written over another; `title` names a figure that fails.

    It has so many texts at `least`.
    """
    figure.draw_without_rendering()  # lays out
    texts = drawn_texts(figure.draw_without_rendering, monkeypatch)
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    assert len(boxes) >= least, title
    page = figure.bbox.padded(1)
    for text, box in boxes:
        assert page.x0 <= box.x0 and box.x1 <= page.x1, (title, text)
        assert page.y0 <= box.y0 and box.y1 <= page.y1, (title, text)
    # The boxes of slanted names overlap, the names do not.
    straight = [
        (text.get_text(), *box.padded(-1).extents)
        for text, (_, box) in zip(texts, boxes, strict=True)
        if not text.get_rotation() % 90
    ]
    names = [name for name, *_ in straight]
    x0, y0, x1, y1 = np.array([extents for _, *extents in straight]).T
    left, right = np.maximum.outer(x0, x0), np.minimum.outer(x1, x1)
    low, high = np.maximum.outer(y0, y0), np.minimum.outer(y1, y1)
    overlapping = np.argwhere(np.triu((left <= right) & (low <= high), 1))
    assert not len(overlapping), (title, [(names[one], names[other]) for one, other in overlapping])


def drawn_texts(
    draw: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
    draw_text: Callable[..., None] = Text.draw,
) -> list[Text]:
    """Return the texts that are seen when `draw` draws a figure, each drawn by `draw_text`."""
    drawn = []
    with monkeypatch.context() as patch:
        patch.setattr(
            Text, "draw", lambda self, renderer: (drawn.append(self), draw_text(self, renderer))
        )
        draw()
    return [text for text in drawn if text.get_text().strip() and text.get_visible()]


def check_contrast(figure: Figure, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert that every text has a contrast of 4.5 to 1 to what is behind it. WCAG 2.2, 1.4.3.

    That is the most frequent colour of the pixels in its box when no text is drawn.
    """
    canvas = FigureCanvasAgg(figure)
    texts = drawn_texts(canvas.draw, monkeypatch, lambda *_: None)
    pixels = np.asarray(canvas.buffer_rgba())[::-1, :, :3]
    assert texts, title
    for text in texts:
        box = text.get_window_extent()
        x0, y0 = max(0, int(box.x0)), max(0, int(box.y0))
        behind = pixels[y0 : int(np.ceil(box.y1)), x0 : int(np.ceil(box.x1))].reshape(-1, 3)
        colors, counts = np.unique(behind, axis=0, return_counts=True)
        background = tuple(colors[counts.argmax()] / 255)
        ratio = contrast(to_rgb(text.get_color()), background)
        assert ratio >= 4.5, (title, text.get_text(), text.get_color(), background, ratio)


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the contrast ratio of two colours, each of red, green and blue from 0 to 1."""
    light = []
    for color in (one, other):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
        light.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
    return max(light) / min(light)
