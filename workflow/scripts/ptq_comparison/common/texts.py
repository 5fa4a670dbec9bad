"""Values of the user in messages of one line: short, and without letters that break a line."""

from typing import Any

LETTERS = 60  # of one value
PATH = 200  # of a path, whose end matters
LINE = 400  # letters of one message


def cut(text: str, letters: int = LETTERS) -> str:
    """Return the text, with `…` in place of what goes beyond the number of letters."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def shown(value: Any) -> str:
    """Return a value as Python writes it: quoted if it is a text, and cut."""
    return cut(repr(value))


def named(name: Any, letters: int = LETTERS) -> str:
    """Return a name without quotes, with escapes for what is not printable, and cut."""
    return cut(repr(str(name))[1:-1], letters)
