"""Pages with tables that sort and search, by DataTables, which comes with itables.

The tables are complete without the script, which adds what a reader can click.
"""

import base64
import gzip
import html
import json
import re
from pathlib import Path
from typing import Any

import itables
import pandas as pd

# In the report a page is a frame beside the menu, of 70 % of the window. On a phone, cells break
# into lines, and a table that is still too wide scrolls in its own box.
STYLE = """
body { font: 14px/1.4 sans-serif; margin: 1em; color: #222; background: #fff; }
h1 { font-size: 1.4em; }
p, li { overflow-wrap: anywhere; }
p { margin: 0.4em 0; max-width: 75em; }
.verdict { font-size: 1.15em; font-weight: bold; max-width: 60em; }
.scroll { overflow-x: auto; margin-top: 1.5em; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
caption { caption-side: top !important; text-align: left !important; padding: 0.3em 0;
  font-size: 15px; font-weight: bold; white-space: nowrap; }
th, td { padding: 4px 10px; text-align: left; border-top: 1px solid #ddd; }
thead th { vertical-align: bottom; }
table .number { text-align: right !important; }
table .interval { text-align: left !important; }
td.number { white-space: nowrap; }
table.dataTable.compact > * > tr > * { padding: 4px 10px !important; }
li { margin: 0.3em 0; max-width: 75em; }
div.dt-container { display: inline-block; }
@media (max-width: 600px) {
  body { margin: 0.6em; }
  h1 { font-size: 1.2em; }
  ul { padding-left: 1.2em; }
  caption { white-space: normal; }
  td.number { white-space: normal; }
  table.dataTable.compact > * > tr > * { padding: 3px 5px !important; }
  thead th .dt-column-order { display: none !important; }
}
"""
SEARCHED_ROWS = 4  # the fewest that have a search field
# By a number that opens a cell, a column sorts; an interval, a total or a mark may follow.
NUMBER = re.compile(r"([-+]?[\d,]*\.?\d+(?:e[-+]?\d+)?)%?(?: \([^()]*\)| of [\d,]+)?(?: \*)?")
# itables embeds DataTables as it is, a megabyte a page; compressed it takes a quarter of that.
SCRIPT = """<script>
const unpack = async (packed, type) => {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return URL.createObjectURL(new Blob([await new Response(stream).text()], { type }));
};
(async () => {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = await unpack("%(css)s", "text/css");
  document.head.append(link);
  const { default: DataTable } = await import(await unpack("%(js)s", "text/javascript"));
  for (const table of document.querySelectorAll("table")) {
    const topStart = table.tBodies[0].rows.length < %(searched)d ? null : "search";
    new DataTable(table, { ...%(options)s, layout: { ...%(layout)s, topStart } });
  }
})();
</script>"""
OPTIONS = {"paging": False, "order": [], "autoWidth": False}  # rows in the order given
LAYOUT = {"topEnd": None, "bottomStart": None, "bottomEnd": None}  # no buttons and counts of pages


def to_page(
    title: str, lead: str, tables: dict[str, pd.DataFrame], notes: list[str] | tuple[str, ...] = ()
) -> str:
    """Return a page that loads nothing else: lead, tables by their captions, and notes.

    The first line of the lead is the one that all should read.
    A table holds texts. Columns of numbers, with signs, percent or thousands, and with an interval
    behind them or not, sort as numbers.
    """
    body = [f"<h1>{html.escape(title)}</h1>", lead_to_html(lead)]
    body += [
        table_to_html(table, caption or title, f"table{number}")
        for number, (caption, table) in enumerate(tables.items())
    ]
    listed = "\n".join(f"<li>{html.escape(note)}</li>" for note in notes)
    body.append(f"<ul>\n{listed}\n</ul>" if listed else "")
    body.append(_script() if tables else "")
    content = "\n".join(body)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n"
        f"</head>\n<body>\n{content}\n</body>\n</html>\n"
    )


def lead_to_html(lead: str) -> str:
    """Return a paragraph for each line, of which the first one stands out."""
    first, *others = html.escape(lead.strip()).split("\n")
    return "\n".join([f'<p class="verdict">{first}</p>', *(f"<p>{line}</p>" for line in others)])


def table_to_html(table: pd.DataFrame, caption: str, identifier: str) -> str:
    """Return a table whose first column names its rows, in a box that scrolls where it must."""
    columns = [[str(cell) for cell in table[heading]] for heading in table]
    kinds = [_kind(cells) for cells in columns]
    head = "".join(
        f'<th scope="col"{_class(kind)}>{html.escape(str(heading))}</th>'
        for heading, kind in zip(table, kinds, strict=True)
    )
    rows = "\n".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f"{''.join(_cell(*pair) for pair in zip(cells, kinds[1:], strict=True))}</tr>"
        for name, *cells in zip(*columns, strict=True)
    )
    return (
        f'<div class="scroll">\n<table id="{identifier}" class="display compact">\n'
        f"<caption>{html.escape(caption)}</caption>\n"
        f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>"
    )


def _kind(cells: list[str]) -> str:
    """Return the classes of a column: of numbers, of such with an interval behind, or none."""
    if not any(cells) or not all(NUMBER.fullmatch(cell) for cell in cells if cell):
        return ""
    return "number interval" if any("(" in cell for cell in cells) else "number"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _cell(text: str, kind: str) -> str:
    """Return a cell; by `data-order` DataTables sorts numbers, the empty ones first."""
    found = NUMBER.fullmatch(text)
    value = found[1].replace(",", "") if found else ""
    order = f' data-order="{value}"' if kind else ""
    return f"<td{_class(kind)}{order}>{html.escape(text)}</td>"


def _script() -> str:
    """Return the script that lets tables sort and search, with DataTables in it."""
    script = Path(itables.options.dt_bundle)
    values: dict[str, Any] = {
        # mtime: the same bytes on every run
        path.suffix[1:]: base64.b64encode(gzip.compress(path.read_bytes(), mtime=0)).decode()
        for path in (script, script.with_suffix(".css"))
    }
    values |= {"options": json.dumps(OPTIONS), "layout": json.dumps(LAYOUT)}
    return SCRIPT % {**values, "searched": SEARCHED_ROWS}
