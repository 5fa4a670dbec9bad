"""Texts of the user in messages of one line, and in Markdown."""

import re
from collections.abc import Iterable
from typing import Any

VALUE = 60  # of one value
PATH = 200  # of a path, whose end matters
LINE = 400  # letters of one message


def cut(text: str, letters: int = VALUE) -> str:
    """Return the text, with `…` in place of what goes beyond the number of letters."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def cut_middle(text: str, letters: int) -> str:
    """Return the text, with `…` in place of its middle where it is longer: the end matters, too."""
    if len(text) <= letters:
        return text
    head = letters // 3
    return f"{text[:head]}…{text[head + 1 - letters :]}"


def shown(value: Any) -> str:
    """Return a value as Python writes it: quoted if it is a text, and cut."""
    return cut(repr(value))


def named(name: Any, letters: int = VALUE) -> str:
    """Return a name without quotes, with escapes for what is not printable, and cut."""
    return cut(repr(str(name))[1:-1], letters)


def shown_names(names: Iterable[str], most: int = 5) -> str:
    """Return some names in a row for a message, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more if known else "nothing"


def plain_markdown(text: str) -> str:
    """Return Markdown, in a table or not, that shows the text: no table, code, HTML or link in it.

    `_` stays: inside of a word, as in most names, it has no meaning.
    """
    return re.sub(r"([\\|`<*\[])", r"\\\1", " ".join(text.splitlines()))


def fenced(code: str, language: str) -> str:
    """Return a block of code in Markdown, with more backticks around it than are in it."""
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code.rstrip()}\n{fence}\n"
