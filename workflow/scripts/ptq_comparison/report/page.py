"""Pages with tables that sort and search, by DataTables, which comes with itables."""

import base64
import gzip
import html
import re
from pathlib import Path

import itables
import pandas as pd

STYLE = """
body { font: 14px sans-serif; margin: 1em; color: #222; }
h1 { font-size: 1.4em; }
h2 { font-size: 1.15em; margin-top: 2em; }
.verdict { font-size: 1.15em; font-weight: bold; max-width: 60em; }
table.dataTable { font-size: 13px; font-variant-numeric: tabular-nums; }
.dt-layout-cell { overflow-x: auto; }
table.dataTable td:first-child { font-weight: bold; }
table.dataTable td.dt-type-numeric { white-space: nowrap; }
table.dataTable th { vertical-align: bottom; }
li { margin: 0.3em 0; max-width: 75em; }
"""
# A search field and the table, without buttons and counts of pages.
TABLE_LAYOUT = {"topStart": "search", "topEnd": None, "bottomStart": None, "bottomEnd": None}
# itables embeds DataTables as it is, a megabyte a page; compressed it takes a quarter of that.
LOADER_SCRIPT = """<script>
const unpack = async (packed, type) => {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return URL.createObjectURL(new Blob([await new Response(stream).text()], { type }));
};
window.%(name)s = (async () => {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = await unpack("%(css)s", "text/css");
  document.head.append(link);
  return import(await unpack("%(js)s", "text/javascript"));
})();
</script>"""


def to_page(
    title: str, lead: str, tables: dict[str, pd.DataFrame], notes: list[str] | tuple[str, ...] = ()
) -> str:
    """Return a page that loads nothing else: lead, tables under their headings, and notes.

    A table holds texts. Columns of numbers, with signs, percent or thousands, sort as numbers.
    """
    body = [f"<h1>{html.escape(title)}</h1>", f'<p class="verdict">{html.escape(lead)}</p>']
    for number, (heading, table) in enumerate(tables.items()):
        if heading:
            body.append(f"<h2>{html.escape(heading)}</h2>")
        body.append(
            itables.to_html_datatable(
                table,
                connected=False,
                showIndex=False,
                # Without nowrap: beside the menu of the report there is room for headings in two
                # lines, and for sentences in several.
                classes="display compact",
                scrollX=False,
                autoWidth=False,
                text_in_header_can_be_selected=False,  # a click on it sorts
                paging=False,
                layout=TABLE_LAYOUT,
                order=[],  # as given
                style="width:auto;margin:0",
                table_id=f"table{number}",
                display_logo_when_loading=False,
            )
        )
    listed = "\n".join(f"<li>{html.escape(note)}</li>" for note in notes)
    body.append(f"<ul>\n{listed}\n</ul>" if listed else "")
    content = "\n".join(body)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n{_loader(content)}\n"
        f"</head>\n<body>\n{content}\n</body>\n</html>\n"
    )


def _loader(content: str) -> str:
    """Return the script that gives DataTables to the scripts of the tables in `content`."""
    names = set(re.findall(r"window\.(_itables_\w+)", content))
    if not names:
        return ""
    (name,) = names
    script = Path(itables.options.dt_bundle)
    packed = {
        # mtime: the same bytes on every run
        path.suffix[1:]: base64.b64encode(gzip.compress(path.read_bytes(), mtime=0)).decode()
        for path in (script, script.with_suffix(".css"))
    }
    return LOADER_SCRIPT % {"name": name, **packed}
