"""Pages with tables; that they sort is tested in tests/browser."""

import re

import pandas as pd
import pytest
from ptq_comparison.report.page import table_to_html, to_page

TABLE = pd.DataFrame({"model": ["fp32", "int8"], "bytes": ["314,604", "96,847"]})


def test_a_page_loads_nothing():
    page = to_page("Title", "Lead.", {"": TABLE, "Speed": TABLE}, ["A note."])
    assert not re.search(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=""", page)
    assert not re.search(r"""import[^;\n]*from\s*['"]|import\(\s*['"]""", page)


def test_lead_headings_notes_and_cells_are_there_and_escaped():
    page = to_page("a < b", "c < d", {"e < f": TABLE}, ["g < h"])
    for text in (
        "<h1>a &lt; b</h1>",
        ">c &lt; d</p>",
        "<caption>e &lt; f</caption>",
        "<li>g &lt; h</li>",
    ):
        assert text in page
    assert re.findall(r"<th scope=\"row\">(\w+)</th><td[^>]*>([\d,]+)</td>", page) == [
        ("fp32", "314,604"),
        ("int8", "96,847"),
    ]


def test_a_page_names_language_width_captions_and_headings():
    page = to_page("t", "l", {"One": TABLE, "": TABLE})
    assert '<html lang="en">' in page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert re.findall("<caption>(.*?)</caption>", page) == ["One", "t"]
    assert page.count('<th scope="col"') == page.count('<th scope="row"') == 4
    assert page.count("<th ") == 8


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["", "-1.61 (-2.00 to -1.25)", "+0.13 (-1.00 to +2.00)"], ["", "-1.61", "+0.13"]),
        (["1.00", "0.76 (0.60 to 0.95) *"], ["1.00", "0.76"]),
        (["9,261 of 10,000"], ["9261"]),
        (["0.00% (+0.00 pp)", "3.2e-12"], ["0.00", "3.2e-12"]),
        (["12", "7 of them, or more"], []),
        (["1.2.3", "2"], []),
        (["", ""], []),
    ],
)
def test_a_column_sorts_by_the_number_that_opens_its_cells(cells, order):
    names = [f"m{number}" for number in range(len(cells))]
    page = table_to_html(pd.DataFrame({"model": names, "value": cells}), "c", "t")
    assert re.findall('data-order="(.*?)"', page) == order


def test_the_first_line_of_a_lead_stands_out():
    page = to_page("t", "Ship a < b.\nWhy: it is faster.\n", {})
    assert '<p class="verdict">Ship a &lt; b.</p>\n<p>Why: it is faster.</p>' in page


def test_a_name_is_no_html():
    page = to_page("t", "l", {"": pd.DataFrame({"node": ["</script><script>alert(1)</script>"]})})
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page


def test_tables_share_one_copy_of_the_library_and_have_ids_of_their_own():
    one, two = (to_page("t", "l", tables) for tables in ({"": TABLE}, {"a": TABLE, "b": TABLE}))
    assert len(two) < len(one) + 5000 < 300_000
    assert 'id="table0"' in two and 'id="table1"' in two


def test_a_page_without_tables_needs_no_library():
    assert "<script" not in to_page("t", "l", {}, ["n"])


def test_a_page_is_the_same_bytes_on_every_run():
    assert to_page("t", "l", {"": TABLE}) == to_page("t", "l", {"": TABLE})
