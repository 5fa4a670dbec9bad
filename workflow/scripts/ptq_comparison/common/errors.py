"""The one exception whose text is meant for the user, and what becomes of those of others."""

from ptq_comparison.common.texts import cut_middle

LETTERS = 600  # of another library's message: onnxruntime's may list all types of a kernel


def first_line(error: Exception) -> str:
    """Return the first line of another library's message, as the others seldom help the user."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0].strip()
    return cut_middle(line, LETTERS)


class UserError(Exception):
    """Something the user can mend. The text is one line: what, where, and the remedy."""
