"""How a recommended model is used and made again: code for people, in Markdown and on a page."""

import html
from typing import Any, NamedTuple

from ptq_comparison.common.texts import fenced
from ptq_comparison.config.pinned import Pinned


class Use(NamedTuple):
    """How a model is used, and made again.

    `words` are those of `plain_words`, `python` and `quantize_static` programs, the latter None
    where no call makes the model. `pinned_file` is the file with the sections of `pinned`, as YAML
    in `pinned_yaml`.
    """

    words: str
    python: str
    quantize_static: str | None
    pinned: Pinned
    pinned_yaml: str
    pinned_file: str


def code_sections(content: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return heading, sentence, code and its language of each way to use or make the model."""
    pinned, call = content["pinned"], content["quantize_static"]
    command = f"snakemake --cores 4 all --configfile {pinned['file']}"
    if pinned["left_out"]:
        pin = (
            f"Without {' and '.join(pinned['left_out'])}, whose address may hold a password: name "
            f"your own configuration before this file. `{command}` then makes"
        )
    else:
        pin = f"`{command}` makes"
    pin += f" results/models/{pinned['model']}.onnx"
    if pinned["notes"]:
        pin += f", which is not the same file: {'; '.join(pinned['notes'])}."
    else:
        pin += ", the same file, on this machine and with the same versions of the packages."
    sections = [
        (
            "Use it",
            "With numpy, onnxruntime and Pillow, started in the folder that holds `results`:",
            content["python"],
            "python",
        )
    ]
    if call:
        making = "This call makes the same graph from the ranges of this run:"
        sections.append(("Make it with quantize_static", making, call, "python"))
    else:
        pin += (
            " No call of quantize_static alone makes it: the workflow changes weights before the "
            "call, or keeps nodes in float32, turns axes or lets the model take pixels after it."
        )
    return [*sections, ("Make it again", pin, pinned["yaml"], "yaml")]


def code_markdown(content: dict[str, Any]) -> str:
    """Return the code of a recommendation as Markdown, a section each."""
    return "\n".join(
        f"## {heading}\n\n{text}\n\n{fenced(code, language)}"
        for heading, text, code, language in code_sections(content)
    )


def with_code(page: str, content: dict[str, Any]) -> str:
    """Return a page with the code at its end."""
    parts = [
        f"<h2>{html.escape(heading)}</h2>\n<p>{html.escape(text.replace('`', ''))}</p>\n"
        f'<pre style="overflow-x: auto"><code>{html.escape(code)}</code></pre>\n'
        for heading, text, code, _ in code_sections(content)
    ]
    before, end, after = page.rpartition("</body>")
    return f"{before}{''.join(parts)}{end}{after}"
