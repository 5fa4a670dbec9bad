"""The comparison as a table of LaTeX, for a paper."""

import re

import pandas as pd

PREAMBLE = "% \\usepackage{booktabs}\n"


def latex_table(table: pd.DataFrame) -> str:
    """Return a table of texts as `tabular` with the rules of booktabs, to be read by `\\input`.

    The first column stands to the left, numbers to the right, with a minus and not a hyphen.
    """
    styler = (
        table.style.hide(axis="index")
        .format(escape="latex")
        .format_index(escape="latex", axis="columns")
    )
    text = styler.to_latex(hrules=True, column_format="l" + "r" * (table.shape[1] - 1))
    return PREAMBLE + re.sub(r"(?<![\w.-])-(?=\d)", "$-$", text)
