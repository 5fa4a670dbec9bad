"""Tables of numbers as tables of texts."""

import pandas as pd


def as_text(table: pd.DataFrame, columns: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """Return texts, one number a cell; `columns` maps headings to a column and its format.

    Columns without any value are left out.
    """
    return pd.DataFrame(
        {
            heading: ["" if pd.isna(value) else template.format(value) for value in table[name]]
            for heading, (name, template) in columns.items()
            if table[name].notna().any()
        }
    )


def markdown_table(table: pd.DataFrame) -> str:
    """Return a table of texts as Markdown, the first column to the left, numbers to the right."""
    alignment = ("left", *["right"] * (table.shape[1] - 1))
    return str(table.to_markdown(index=False, disable_numparse=True, colalign=alignment))
