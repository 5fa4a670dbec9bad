"""Pages with tables that sort and search, by DataTables, which comes with itables."""

import html

import itables
import pandas as pd
from itables.javascript import generate_init_offline_itables_html

STYLE = """
body { font: 14px sans-serif; margin: 1em; color: #222; }
h1 { font-size: 1.4em; }
h2 { font-size: 1.15em; margin-top: 2em; }
.verdict { font-size: 1.15em; font-weight: bold; max-width: 60em; }
table.dataTable { font-variant-numeric: tabular-nums; }
table.dataTable td:first-child { font-weight: bold; }
li { margin: 0.3em 0; max-width: 75em; }
"""
# A search field and the table, without buttons and counts of pages.
LAYOUT = {"topStart": "search", "topEnd": None, "bottomStart": None, "bottomEnd": None}


def to_page(
    title: str, lead: str, tables: dict[str, pd.DataFrame], notes: list[str] | tuple[str, ...] = ()
) -> str:
    """Return a page that loads nothing else: lead, tables under their headings, and notes.

    A table holds texts. Columns of numbers, with signs, percent or thousands, sort as numbers.
    """
    script = generate_init_offline_itables_html(itables.options.dt_bundle)
    body = [f"<h1>{html.escape(title)}</h1>", f'<p class="verdict">{html.escape(lead)}</p>']
    for number, (heading, table) in enumerate(tables.items()):
        if heading:
            body.append(f"<h2>{html.escape(heading)}</h2>")
        body.append(
            itables.to_html_datatable(
                table,
                connected=False,
                showIndex=False,
                paging=False,
                layout=LAYOUT,
                order=[],  # as given
                style="width:auto;margin:0",
                table_id=f"table{number}",
                display_logo_when_loading=False,
            )
        )
    listed = "\n".join(f"<li>{html.escape(note)}</li>" for note in notes)
    body.append(f"<ul>\n{listed}\n</ul>" if listed else "")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{script}\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )
