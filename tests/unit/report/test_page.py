"""Pages with tables; that they sort is tested in tests/browser."""

import json
import re

import pandas as pd
from ptq_comparison.report.page import to_page

TABLE = pd.DataFrame({"model": ["fp32", "int8"], "bytes": ["314,604", "96,847"]})


def test_a_page_loads_nothing():
    page = to_page("Title", "Lead.", {"": TABLE, "Speed": TABLE}, ["A note."])
    assert not re.search(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=""", page)
    assert not re.search(r"""import[^;\n]*from\s*['"]|import\(\s*['"]""", page)


def test_lead_headings_notes_and_cells_are_there_and_escaped():
    page = to_page("a < b", "c < d", {"e < f": TABLE}, ["g < h"])
    for text in ("<h1>a &lt; b</h1>", ">c &lt; d</p>", "<h2>e &lt; f</h2>", "<li>g &lt; h</li>"):
        assert text in page
    (data,) = re.findall(r'"data_json": "(.*?[^\\\\])"', page)
    assert json.loads(json.loads(f'"{data}"')) == [["fp32", "314,604"], ["int8", "96,847"]]


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
