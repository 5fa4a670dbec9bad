"""One look for all figures: fonts, titles, and the colours and markers of the models."""

from bisect import bisect_right
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import ArrayLike

# M. Okabe and K. Ito, Color Universal Design, 2008: told apart with any kind of colour vision. Some
# are too light for letters on white, which are therefore black or grey, beside a coloured mark.
FLOAT_COLOR = "#555555"
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
EDGE_COLOR = "#333333"  # of marks, which are light on white, too
FLOAT_MARKER = "o"
MARKERS = "sD^vPX*"  # one more than colours: 42 models differ in one of the two
NAME_LETTERS = 18  # of the name of a model or a class beside an axis or in a legend
WIDTH = 6.5  # inches; the fonts are large enough for half of it
TITLE_MARGIN = 0.02  # of the width, on both sides
TITLE_FONT = FontProperties(size=13, weight="bold")
TITLE_LINES = 2  # that the heights of the figures have room for
LINE_HEIGHT = 0.22  # inches
# Figures are made without pyplot, whose import takes a while, and which keeps them in memory.
matplotlib.rcParams.update(
    {
        "axes.axisbelow": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.unicode_minus": False,  # as in the labels
        "figure.constrained_layout.use": True,
        "font.size": 11,
        "grid.color": "#eeeeee",
        "legend.frameon": False,
        "text.hinting": "none",  # or the layout would know other widths than the SVG has
        "text.parse_math": False,  # a name may hold a $
    }
)


def colors(models: Sequence[str]) -> dict[str, str]:
    """Return the colour of each model, the same in every figure; the first one is float32."""
    quantized = {name: COLORS[n % len(COLORS)] for n, name in enumerate(models[1:])}
    return {models[0]: FLOAT_COLOR, **quantized}


def markers(models: Sequence[str]) -> dict[str, str]:
    """Return the marker of each model, which tells models apart in print without colour."""
    quantized = {name: MARKERS[n % len(MARKERS)] for n, name in enumerate(models[1:])}
    return {models[0]: FLOAT_MARKER, **quantized}


def shorten(name: str, letters: int = 28) -> str:
    """Cut a name to so many letters at most; its end tells tensors apart, so that stays."""
    return name if len(name) <= letters else f"…{name[1 - letters :]}"


def luminance(color: str) -> float:
    """Return the relative luminance of a colour, from 0 to 1. WCAG 2.2, section 1.4.3."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in to_rgb(color)
    ]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def letters_on(background: str) -> str:
    """Return black or white, whichever has more contrast: at least 4.58 to 1 on any colour."""
    # Both have the same contrast where (1.05) / (x + 0.05) = (x + 0.05) / 0.05.
    return "black" if (luminance(background) + 0.05) ** 2 > 1.05 * 0.05 else "white"


def error_lengths(values: ArrayLike, low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Return how far error bars reach down and up, float64 (2, N), from values and limits (N,).

    No length is negative, which matplotlib refuses: where a limit is the value itself, the last
    digits may say otherwise, as of 100 * (1 - share) and 100 - 100 * share.
    """
    below, above = np.subtract(values, low), np.subtract(high, values)
    return np.maximum([below, above], 0.0)


def add_legend(figure: Figure) -> int:
    """Put a legend below the figure, in as many columns as its width has room for.

    Returns the number of its rows.
    """
    axes = figure.axes[0]
    labels = axes.get_legend_handles_labels()[1]
    longest = max(map(len, labels))
    columns = max(1, int(72 * WIDTH // (42 + 5.8 * longest)))  # points; 5.8 is a mean letter
    figure.legend(loc="outside lower center", ncols=columns, fontsize=10, handletextpad=0.2)
    return -(-len(labels) // columns)


def left_out(count: int, one: str, many: str) -> list[str]:
    """Return the note that says how many are not shown, if there are any."""
    return [f"{count} {one} is left out" if count == 1 else f"{count} {many} are left out"][:count]


def set_title(figure: Figure, claim: str, *notes: str) -> None:
    """Put the finding above the figure, and notes below it, each in as many lines as it needs.

    The label of the figure holds them, too, a line each, for readers that cannot see it.
    """
    lines = [" ".join(claim.split("\n")), *notes]
    figure.set_label("\n".join(lines))
    write_title(figure, [lines[0], *(f"({note})" for note in notes)])
    added = figure.get_suptitle().count("\n") + 1 - TITLE_LINES
    figure.set_figheight(figure.get_figheight() + LINE_HEIGHT * max(0, added))


def hide_claim(figure: Figure) -> None:
    """Leave of the title what the figure cannot be read without: the notes."""
    write_title(figure, [f"({note})" for note in label_lines(figure)[1:]])


def label_lines(figure: Figure) -> list[str]:
    """Return the finding of a figure and its notes; an empty finding where it has no title."""
    return str(figure.get_label()).split("\n")


def write_title(figure: Figure, parts: Sequence[str]) -> None:
    """Write parts below each other, each wrapped."""
    text = "\n".join(wrap(part, TITLE_FONT) for part in parts)
    figure.suptitle(text, x=TITLE_MARGIN, ha="left", fontproperties=TITLE_FONT)


def wrap(text: str, font: FontProperties, inches: float = WIDTH) -> str:
    """Return the text in lines that fit into the width of a figure, whatever words it has.

    matplotlib's own wrapping leaves a word of more than a line as it is.
    """
    room = 72 * inches * (1 - 2 * TITLE_MARGIN)
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if _width(joined, font) <= room:
            lines[-1] = joined
            continue
        lines += [word] if lines[-1] else []
        lines[-1] = word
        while _width(lines[-1], font) > room:
            rest = lines.pop()
            lengths = range(1, len(rest))
            fitting = bisect_right(lengths, room, key=lambda count: _width(rest[:count], font))
            count = max(1, fitting)
            lines += [rest[:count], rest[count:]]
    return "\n".join(lines)


def _width(text: str, font: FontProperties) -> float:
    """Return the width of a line in points."""
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])
