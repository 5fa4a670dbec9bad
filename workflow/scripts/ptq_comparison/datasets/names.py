"""Names of classes, files and folders: which belong to a data set, and which can be written."""

import unicodedata

from ptq_comparison.common.errors import UserError

MOST_LETTERS = 255  # as of a folder's name
# Unicode's categories of what breaks a line or is no UTF-8: control characters, halves of
# surrogate pairs (Python's form of a name that is not UTF-8), separators of lines and paragraphs.
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


def check_name(where: str, name: str) -> None:
    """Raise UserError for a name that tables, figures and messages cannot show."""
    # Most names are printable, and millions of files have one.
    if not 0 < len(name) <= MOST_LETTERS or (
        not name.isprintable()
        and any(unicodedata.category(letter) in UNPRINTABLE for letter in name)
    ):
        raise UserError(
            f"{where} {name[:40]!a} has a name that is not UTF-8, is of several lines, empty "
            f"or longer than {MOST_LETTERS} letters; rename it"
        )


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is of a system or a tool, and no part of a data set.

    Such are .ipynb_checkpoints, .DS_Store, ._1.png, @eaDir, __MACOSX and Thumbs.db.
    """
    return name.startswith((".", "@")) or name in ("__MACOSX", "Thumbs.db")
