"""The one exception whose text is meant for the user."""


class UserError(Exception):
    """Something the user can mend. The text is one line: what, where, and the remedy."""
