"""Figures as files: whole, with a name for screen readers, and the same bytes on every run."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers.layout import contrast
from helpers.svg import SVG, read_svg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from ptq_comparison.report.figures.files import DEFAULTS, page_of, save
from ptq_comparison.report.figures.style import set_title

CLAIM = 'a "name" & <tag> $x$ \N{GREEK SMALL LETTER ALPHA}'


def make_figure(claim=CLAIM, *notes, label="images"):
    figure = Figure((6.5, 3))
    axes = figure.subplots()
    axes.plot([1, 2], "o-")
    axes.imshow(np.eye(2), extent=(0, 1, 1, 2))
    axes.bar(1, 2, hatch="/")
    axes.set_xlabel(label)
    set_title(figure, claim, *notes)
    return figure


def test_an_svg_is_an_image_with_a_name(tmp_path):
    save(make_figure(), tmp_path / "a.svg")
    root, _, texts = read_svg(tmp_path / "a.svg")
    assert root.get("role") == "img" and root.get("aria-label") == CLAIM
    assert root[0].tag == f"{SVG}title" and root[0].text == CLAIM
    assert len(texts) > 5


@pytest.mark.parametrize("name", ["svg", "pdf", "png"])
@pytest.mark.parametrize("text", ["outlines", "letters"])
def test_a_figure_is_the_same_bytes_on_every_run(name, text, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save(
            make_figure(),
            tmp_path / folder / "x.svg",
            {**DEFAULTS, "formats": [name], "text": text},
        )
        # The SVG is always made, for the report.
        assert {path.name for path in (tmp_path / folder).iterdir()} == {"x.svg", f"x.{name}"}
    content = (tmp_path / f"a/x.{name}").read_bytes()
    assert content == (tmp_path / f"b/x.{name}").read_bytes()
    assert (
        not re.search(rb"CreationDate|ModDate|matplotlib\.org|Matplotlib v", content)
        or name == "svg"
    )


def test_text_is_outlines_or_letters(tmp_path):
    for text in ("outlines", "letters"):
        save(make_figure(), tmp_path / f"{text}.svg", {**DEFAULTS, "text": text})
    assert b"<text" not in (tmp_path / "outlines.svg").read_bytes()  # no font is needed to read it
    root = ElementTree.parse(tmp_path / "letters.svg").getroot()
    assert {"images", CLAIM} <= {item.text for item in root.iter(f"{SVG}text")}


def test_without_titles_the_notes_stay(tmp_path):
    letters = {**DEFAULTS, "text": "letters", "titles": False}
    save(make_figure(CLAIM, "5 are left out"), tmp_path / "a.svg", letters)
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    texts = {item.text for item in root.iter(f"{SVG}text")}
    assert "(5 are left out)" in texts and CLAIM not in texts
    assert root.get("aria-label") == CLAIM  # screen readers have no caption of the paper
    save(make_figure(), tmp_path / "b.svg", letters)
    root = ElementTree.parse(tmp_path / "b.svg").getroot()
    assert CLAIM not in {item.text for item in root.iter(f"{SVG}text")}


@pytest.mark.parametrize(
    "words", ["short", "many words " * 40, "x" * 300, "W" * 100 + " i " + "/" * 200], ids=len
)
def test_no_text_of_a_file_lies_outside_of_it(words, tmp_path):
    """Neither a title, which is wrapped, nor a label, for which the page grows."""
    save(make_figure(words, words, label=words[:300]), tmp_path / "a.svg")
    _, (x, y, width, height), texts = read_svg(tmp_path / "a.svg")
    for text in texts:
        assert x - 0.5 <= text.low[0] and text.high[0] <= x + width + 0.5
        assert y - 0.5 <= text.low[1] and text.high[1] <= y + height + 0.5
        assert contrast(to_rgb(text.fill), (1, 1, 1)) >= 4.5


def test_the_page_is_the_figure_where_everything_fits():
    assert page_of(make_figure()) is None
    assert page_of(make_figure(label="x" * 300)).width > 6.5


def test_a_png_has_200_dots_per_inch(tmp_path):
    save(make_figure(), tmp_path / "a.svg", {**DEFAULTS, "formats": ["png"]})
    assert imread(tmp_path / "a.png").shape[1] == 1300


def test_names_inside_a_file_do_not_depend_on_digits_that_are_not_drawn(tmp_path):
    texts = []
    for shift in (0, 1e-12):
        figure = Figure(layout="none")
        for left in (0.1, 0.6):
            axes = figure.add_axes((left + shift, 0.1, 0.3, 0.8))
            axes.plot([1, 2], "o-")
            axes.imshow(np.eye(2), extent=(0, 1, 1, 2))
            axes.bar(1, 2, hatch="/")
        save(figure, tmp_path / f"{shift}.svg")
        texts.append((tmp_path / f"{shift}.svg").read_text())
    assert texts[0] == texts[1]
    names = re.findall(r' id="([^"]+)"', texts[0])
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', texts[0]))
    assert len(names) == len(set(names))
    assert used <= set(names) and len(used) > 5


def test_a_figure_is_xml_whatever_a_tensor_is_called(tmp_path):
    figure = make_figure("a\0b\x1f\ufffe & <c> \"d\" 'e'", label="a\0b\x1f\ufffe & <c>")
    for text in ("outlines", "letters"):
        save(figure, tmp_path / "figure.svg", {**DEFAULTS, "text": text})
        ElementTree.parse(tmp_path / "figure.svg")
