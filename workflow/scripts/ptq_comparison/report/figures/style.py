"""One look for all figures: fonts, colours of the models, and the same bytes on every run."""

import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ptq_comparison.common.files import atomic_path

# M. Okabe and K. Ito, Color Universal Design, 2008: told apart with any kind of colour vision.
FLOAT_COLOR = "#555555"
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
FLOAT_MARKER = "o"
MARKERS = "sD^vPX*"  # one more than colours: 42 models differ in one of the two
NAME_LETTERS = 18  # of the name of a model or a class beside an axis or in a legend
WIDTH = 6.5  # inches; the fonts are large enough for half of it
# Figures are made without pyplot, whose import takes a while, and which keeps them in memory.
matplotlib.rcParams.update(
    {
        "axes.axisbelow": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.unicode_minus": False,  # as in the labels
        "figure.constrained_layout.use": True,
        "figure.titlesize": 13,
        "font.size": 11,
        "grid.color": "#eeeeee",
        "legend.frameon": False,
        "text.parse_math": False,  # a name may hold a $
    }
)
# Characters of a name of the model that a file of XML may not hold.
NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Where matplotlib names a part of the file by a random hash, and where it refers to that part.
RANDOM_IDS = re.compile(r'((?:id="|#)\w*?)([0-9a-f]{10})(?=["\)])')


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


def error_lengths(values: ArrayLike, low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Return how far error bars reach down and up, float64 (2, N), from values and limits (N,).

    No length is negative, which matplotlib refuses: where a limit is the value itself, the last
    digits may say otherwise, as of 100 * (1 - share) and 100 - 100 * share.
    """
    below, above = np.subtract(values, low), np.subtract(high, values)
    return np.maximum([below, above], 0.0)


def add_legend(figure: Figure) -> None:
    """Put a legend below the figure, in as many columns as its width has room for."""
    axes = figure.axes[0]
    longest = max(len(label) for label in axes.get_legend_handles_labels()[1])
    columns = int(72 * WIDTH // (42 + 5.8 * longest))  # points; 5.8 is a mean letter
    figure.legend(loc="outside lower center", ncols=columns, fontsize=10, handletextpad=0.2)


def set_title(figure: Figure, text: str) -> None:
    """Put the finding above the figure, in as many lines as its width asks for."""
    # To find where to wrap, matplotlib parses what lies between two $ even if told not to.
    text = text.replace("$", r"\$")
    figure.suptitle(text, x=0.02, ha="left", wrap=True, fontweight="bold", parse_math=True)


def save(figure: Figure, path: Path) -> None:
    """Write the figure as SVG, the same bytes for the same figure, with letters as outlines."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
        text = NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", temporary.read_text("utf-8"))
        temporary.write_text(number_hashes(text), "utf-8")


def number_hashes(svg: str) -> str:
    """Return the text of an SVG of matplotlib with numbers, in their order, instead of hashes.

    A constant `svg.hashsalt` would not do: what is hashed are coordinates with more digits than
    are drawn, the last of which differ between two runs of the layout.
    """
    numbers: dict[str, int] = {}
    return RANDOM_IDS.sub(
        lambda match: f"{match[1]}{numbers.setdefault(match[2], len(numbers))}", svg
    )
