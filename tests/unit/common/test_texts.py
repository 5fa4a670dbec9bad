"""Texts of the user in messages and in Markdown."""

import pytest
from ptq_comparison.common.texts import cut, fenced, named, plain_markdown, shown


def test_values_are_cut_and_of_one_line():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert shown("a\nb") == r"'a\nb'"
    assert named("a\nb\ud800") == r"a\nb\ud800"
    assert named("it's") == "it's"
    assert named(1) == "1"
    assert len(shown(["x"] * 100_000)) == len(named("x" * 100_000)) == 60


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("u8s8_MinMax_QDQ", "u8s8_MinMax_QDQ"),
        ("a|b", r"a\|b"),
        ("`a`", r"\`a\`"),
        ("<img src=x>", r"\<img src=x>"),
        ("[a](b)", r"\[a](b)"),
        ("*a*", r"\*a\*"),
        ("a\\|b", r"a\\\|b"),
        ("a\r\nb\nc", "a b c"),
        ("+0.27 to -0.13 (95 %)", "+0.27 to -0.13 (95 %)"),
    ],
)
def test_markdown_shows_the_text(text, markdown):
    assert plain_markdown(text) == markdown


@pytest.mark.parametrize("code", ["print(1)\n", "a = '```'\n", "`````"])
def test_code_does_not_end_its_own_block(code):
    first, *lines, last = fenced(code, "python").splitlines()
    assert first == f"{last}python" and set(last) == {"`"}
    assert last not in code and lines == code.splitlines()
