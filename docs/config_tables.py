"""Write the tables of config/README.md from the schemas: `make docs`.

A table stands between the lines `<!-- keys of SECTION -->` and `<!-- end -->`. SECTION is one of
the configuration, whose description stands above its table, or `recipes`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ptq_comparison.config.recipes import REFINEMENTS
from ptq_comparison.config.schema import load_schema
from ptq_comparison.datasets.readers import KINDS

REPOSITORY = Path(__file__).parents[1]
README = REPOSITORY / "config/README.md"
CONFIG, RECIPES = (
    load_schema(REPOSITORY / f"workflow/schemas/{name}.schema.yaml", dataset_kinds=KINDS).schema
    for name in ("config", "recipes")
)
SHARED_KEY = re.compile(r"config\.schema\.yaml#/properties/(\w+)/properties/(\w+)")
SHARED_TYPE = "config.schema.yaml#/$defs/"


def with_tables(text: str) -> str:
    """Return a page with its tables as the schemas have them now."""
    return re.sub(
        r"(<!-- keys of (\w+) -->\n).*?(<!-- end -->)",
        lambda match: "".join([match[1], "\n", _table(match[2]), "\n", match[3]]),
        text,
        flags=re.DOTALL,
    )


def _table(section: str) -> str:
    if section == "recipes":
        rows, lines = _recipe_rows(), []
    else:
        rows, lines = _rows(section), [CONFIG["properties"][section]["description"], ""]
    lines += ["| key | default | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{key}` | {default} | {meaning} |" for key, default, meaning in rows]
    return "\n".join(lines) + "\n"


def _rows(section: str) -> Iterator[tuple[str, str, str]]:
    for key, schema in CONFIG["properties"][section]["properties"].items():
        yield f"{section}.{key}", _code(schema["default"]), _meaning(schema)


def _recipe_rows() -> Iterator[tuple[str, str, str]]:
    defaults = {**REFINEMENTS, "tensor_types": {}}
    recipe = RECIPES["properties"]["recipes"]["additionalProperties"]
    for key, schema in recipe["properties"].items():
        target = schema.get("$ref", "")
        if shared := SHARED_KEY.fullmatch(target):
            yield key, f"`{shared[1]}.{shared[2]}`", schema.get("description", "As there.")
            continue
        if target.startswith(SHARED_TYPE):
            schema = CONFIG["$defs"][target.removeprefix(SHARED_TYPE)]
        yield key, _code(defaults[key]) if key in defaults else "", _meaning(schema)


def _meaning(schema: dict[str, Any]) -> str:
    """Return the description, with the names that are allowed where it does not name them all."""
    text: str = schema["description"]
    for words, names in (
        ("One of", schema.get("enum", [])),
        ("Keys:", {} if "required" in schema else schema.get("properties", {})),
    ):
        listed = [name for name in names if name is not None]
        if not all(f"`{name}`" in text for name in listed):
            text += f" {words} {', '.join(f'`{name}`' for name in listed)}."
    return text


def _code(value: Any) -> str:
    return f"`{yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}`"


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
