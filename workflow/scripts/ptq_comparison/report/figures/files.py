"""Figures as files: SVG, PDF and PNG, the same bytes for the same figure."""

import re
from pathlib import Path
from typing import Any, TypedDict
from xml.sax.saxutils import quoteattr

import matplotlib
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from ptq_comparison.common.files import atomic_path
from ptq_comparison.report.figures.style import hide_claim, label_lines

LETTERS = "letters"  # value of `figures.text`; the other one is `outlines`
RESOLUTION = 200  # dots per inch of a PNG
SLACK = 0.5 / 72  # inches that the ink of a letter may lie outside its figure
LETTER_WIDTHS = 1.005  # by which they differ between what lays out and what writes
# No time and no version: they would change the bytes.
METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "png": {"Software": None},
}
# Characters of a name of the model that a file of XML may not hold.
NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Where matplotlib names a part of the file by a random hash, and where it refers to that part.
RANDOM_IDS = re.compile(r'((?:id="|#)\w*?)([0-9a-f]{10})(?=["\)])')


class Options(TypedDict):
    """The section `figures` of the config."""

    formats: list[str]
    titles: bool
    text: str


DEFAULTS: Options = {"formats": ["svg"], "titles": True, "text": "outlines"}


def save(figure: Figure, path: Path, options: Options = DEFAULTS) -> None:
    """Write the figure as the SVG `path`, which the report shows, and in other formats beside it.

    The page is larger than the figure where an artist would lie outside, so nothing is cut.
    """
    if not options["titles"]:
        hide_claim(figure)
    claim = label_lines(figure)[0]
    page = page_of(figure)
    fonts: Any = {
        "svg.fonttype": "none" if options["text"] == LETTERS else "path",
        "pdf.fonttype": 42,  # TrueType, as journals ask for
    }
    for name in sorted({"svg", *options["formats"]}):
        metadata = METADATA[name] | ({"Title": claim} if claim else {})
        dpi: Any = RESOLUTION if name == "png" else "figure"
        with atomic_path(path.with_suffix(f".{name}")) as temporary, matplotlib.rc_context(fonts):
            figure.savefig(temporary, format=name, metadata=metadata, bbox_inches=page, dpi=dpi)
            if name == "svg":
                text = name_image(number_hashes(temporary.read_text("utf-8")), claim)
                temporary.write_text(NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text), "utf-8")


def page_of(figure: Figure) -> Bbox | None:
    """Return the part of the plane to write, in inches; None where it is that of the figure."""
    figure.draw_without_rendering()  # lays out
    tight = figure.get_tightbbox().expanded(LETTER_WIDTHS, 1)
    page = Bbox.union([figure.bbox_inches, tight])
    (x0, y0), (x1, y1) = abs(page.get_points() - figure.bbox_inches.get_points())
    if max(x0, y0, x1, y1) <= SLACK:
        return None
    return page.expanded(LETTER_WIDTHS, LETTER_WIDTHS)


def name_image(svg: str, claim: str) -> str:
    """Return the SVG as an image with a name, for screen readers; matplotlib writes its title."""
    return svg.replace("<svg ", f'<svg role="img" aria-label={quoteattr(claim)} ', 1)


def number_hashes(svg: str) -> str:
    """Return the text of an SVG of matplotlib with numbers, in their order, instead of hashes.

    A constant `svg.hashsalt` would not do: what is hashed are coordinates with more digits than
    are drawn, the last of which differ between two runs of the layout.
    """
    numbers: dict[str, int] = {}
    return RANDOM_IDS.sub(
        lambda match: f"{match[1]}{numbers.setdefault(match[2], len(numbers))}", svg
    )
